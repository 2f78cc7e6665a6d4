#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "elves/codec.hpp"
#include "encode/scratch.hpp"
#include "support/byte_cursor.hpp"

namespace elves::encode {

/// Elements to encode: a whole chunk, or a sample of one.
struct Chunk {
  std::span<const std::byte> bytes;
  DType dtype = DType::Bytes;
  Base base = {};  ///< of the same elements, or of the first ones only; empty: none
};

/// A stream that a transform made.
struct Stream {
  std::span<const std::byte> bytes;
  /// The stream is one of many and does not repeat itself: no match search, and rANS, which decodes faster, is
  /// preferred to Huffman even if the stream becomes about 1 % larger.
  bool is_noise = false;
};

/// What a lossy transform does to the values: measured over all values but outliers, which it stores exactly.
struct Loss {
  bool exact = true;  ///< decoding gives the same bits
  double max_abs_error = 0;
  double signal = 0;  ///< sum of squares of the values
  double noise = 0;   ///< sum of squares of the errors

  /// Signal-to-noise ratio as a ratio of powers; infinite if nothing is lost. Squares of tiny values underflow to zero:
  /// the noise is therefore at least the square of the largest error, and a signal of zero gives a ratio of zero.
  double snr() const noexcept {
    if (max_abs_error == 0) return std::numeric_limits<double>::infinity();
    return signal > 0 ? signal / std::max(noise, max_abs_error * max_abs_error) : 0;
  }
};

/// What split() makes of a chunk. The spans refer to the Scratch that was passed to split(), or to the chunk.
struct Split {
  std::vector<std::byte> header;
  std::vector<Stream> streams;
  Loss loss;

  void clear() {
    header.clear();
    streams.clear();
    loss = {};
  }
};

/// Gives join() the streams of a chunk, in their order.
class StreamSource {
 public:
  virtual ~StreamSource() = default;
  /// The next stream. Error: it does not have exactly `n_bytes`.
  Result<std::span<const std::byte>> next(std::size_t n_bytes) { return next(n_bytes, n_bytes); }
  /// The next stream. Error: its size is not within the limits; this is checked before memory is taken for it.
  virtual Result<std::span<const std::byte>> next(std::size_t least_bytes, std::size_t most_bytes) = 0;
};

/// Which bases a transform can make deltas of: none; only bases whose decoded bytes are known (Base::exact); or also
/// the originals of bases that may be stored lossily.
enum class BaseUse : std::uint8_t { None, Exact, Any };

/// One way to turn a chunk into streams and back: a row of the registry. How to add one:
/// docs/contributing/adding-a-transform.md.
struct Transform {
  TransformId id = TransformId::Raw;
  std::string_view name;
  /// The stage that switches the transform on and off; the report counts its savings for this stage. None: always on,
  /// and the report counts its savings for entropy coding.
  std::optional<Stage> stage = std::nullopt;
  /// Only for transforms that need a base: the stage for which the report counts what the chunk would save without one.
  Stage standalone_stage = Stage::Planes;
  Level level = Level::Fast;  ///< used at this level and above
  bool lossy = false;         ///< not used with options.lossless; must pass the guard
  BaseUse base_use = BaseUse::None;

  /// True if the transform applies to this dtype under these options.
  bool (*accepts)(DType, const EncodeOptions&) = nullptr;
  /// A quick look at the chunk: false if the transform will not make it smaller. Not called at Level::Max. May be null.
  bool (*worth_trying)(const Chunk&) = nullptr;
  /// Takes the chunk apart. Cannot fail if accepts() is true.
  void (*split)(const Chunk&, const EncodeOptions&, Scratch&, Split&) = nullptr;
  /// The inverse of split(): writes the elements to `out`, whose size is a whole number of elements. The input may be
  /// hostile: join() reads the header through the cursor, states the size of each stream, and returns an Error if
  /// anything does not fit. `base`: the base that the caller of Decoder::decode() passed, any bytes, or empty; an Error
  /// if it is not the base that split() used.
  Result<void> (*join)(ByteCursor& header, StreamSource&, DType, Scratch&, std::span<std::byte> out,
                       std::span<const std::byte> base) = nullptr;
};

}  // namespace elves::encode
