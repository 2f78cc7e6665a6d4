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
  Base base = {};  ///< of the same elements, or of the first of them; empty: none
};

/// A stream that a transform made: its bytes, and what is known of them.
struct Stream {
  std::span<const std::byte> bytes;
  bool is_noise = false;  ///< nothing repeats, and it is one of many: a quick coder is worth a hundredth of its size
};

/// What a lossy transform does to the values, over those it changes or could change.
struct Loss {
  bool exact = true;  ///< all bits come back
  double max_abs_error = 0;
  double signal = 0;  ///< sum of squares of the values
  double noise = 0;   ///< sum of squares of the errors

  /// Signal-to-noise ratio as power: infinite where nothing is lost. Squares of tiny values vanish, so the largest
  /// error counts at least, and a signal that vanishes is taken for lost.
  double snr() const noexcept {
    if (max_abs_error == 0) return std::numeric_limits<double>::infinity();
    return signal > 0 ? signal / std::max(noise, max_abs_error * max_abs_error) : 0;
  }
};

/// A chunk taken apart. The spans lie in the Scratch that split() was given, or in the chunk.
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

/// The streams of a chunk in their order, as join() asks for them.
class StreamSource {
 public:
  virtual ~StreamSource() = default;
  /// The next stream, which must have `n_bytes`.
  Result<std::span<const std::byte>> next(std::size_t n_bytes) { return next(n_bytes, n_bytes); }
  /// The next stream, of any size within the limits. Nothing larger is ever allocated.
  virtual Result<std::span<const std::byte>> next(std::size_t least_bytes, std::size_t most_bytes) = 0;
};

/// Whether a transform makes differences from a base: never, only from what the base decodes to, or from its original
/// as well.
enum class BaseUse : std::uint8_t { None, Exact, Any };

/// One way to turn a chunk into streams and back; a row of registry.cpp. docs/contributing/adding-a-transform.md says
/// how to add one.
struct Transform {
  TransformId id = TransformId::Raw;
  std::string_view name;
  /// The stage that switches it on and that the report credits with its savings. None: always on, and what it saves is
  /// saved by entropy coding.
  std::optional<Stage> stage = std::nullopt;
  /// For transforms that need a base: the stage that is credited with what the chunk would save without a base.
  Stage standalone_stage = Stage::Planes;
  Level level = Level::Fast;  ///< tried at this level and above
  bool lossy = false;         ///< never with options.lossless; subject to the guard
  BaseUse base_use = BaseUse::None;

  /// Whether the transform can do anything for this dtype under these options.
  bool (*accepts)(DType, const EncodeOptions&) = nullptr;
  /// A quick look at the chunk: false where it will not pay. Not asked at Level::Max. May be absent.
  bool (*promises)(const Chunk&) = nullptr;
  /// Takes the chunk apart. Cannot fail for a dtype that it accepts.
  void (*split)(const Chunk&, const EncodeOptions&, Scratch&, Split&) = nullptr;
  /// Puts the elements together in `out`, whose size is a whole number of elements. Input is hostile: reads the header
  /// through the cursor, states the size of each stream, and gives an Error where anything does not fit.
  /// `base`: what was given to decode from, any bytes, empty where there is none; an Error where it is not what split()
  /// had.
  Result<void> (*join)(ByteCursor& header, StreamSource&, DType, Scratch&, std::span<std::byte> out,
                       std::span<const std::byte> base) = nullptr;
};

}  // namespace elves::encode
