#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "elves/codec.hpp"
#include "encode/context/context.hpp"
#include "encode/transform.hpp"
#include "encode/zstd_frame.hpp"

namespace elves::encode {

/// How a stream is stored. The numbers are part of the format: never renumbered. docs/format/transforms/README.md.
enum class StreamKind : std::uint8_t { Constant = 0, Stored = 1, Huffman = 2, Zstd = 3, Rans = 4, Context = 5 };

inline constexpr unsigned kStreamKindBits = 3;

/// Context coding takes longest: at Level::Max it can be left out.
enum class Contexts : bool { Skip, Try };

/// What a look at a stream tells: the best way to store it, and about how many bytes that takes.
struct StreamPlan {
  StreamKind kind = StreamKind::Stored;
  std::size_t bytes = 0;
};

/// Writes streams, each the best way. Holds three zstd contexts.
class StreamEncoder {
 public:
  /// From samples of the stream: a histogram, and, where a sample repeats itself, trial compression with the fastest
  /// match finder. What contexts could save it does not know.
  StreamPlan plan(const Stream& stream, const EncodeOptions& options, Scratch& scratch, bool look_for_repeats = true);

  /// Appends all streams of a chunk, {varint raw size and kind, [varint coded size], data} each. Never more than the
  /// streams and 9 bytes for each. At Level::Max every kind is tried, at others the planned one.
  void encode(std::span<const Stream> streams, const EncodeOptions& options, Scratch& scratch,
              std::vector<std::byte>& out, Contexts contexts = Contexts::Try);

 private:
  /// A kind, and the stream in it.
  struct Form {
    StreamKind kind = StreamKind::Stored;
    std::span<const std::byte> data;
  };
  static Form smaller(const Form& form, const Form& best);

  /// The streams of a chunk that were encoded.
  struct Past {
    context::History history;
    std::size_t period = 1;  ///< of streams of one size, which are parts of the same elements: that of the first
  };

  Form form_of(const Stream& stream, const EncodeOptions& options, Scratch& scratch);
  Form planned_form(const Stream& stream, const EncodeOptions& options, Scratch& scratch);
  Form smallest_form(const Stream& stream, Scratch& scratch);
  Form or_by_context(const Form& best, std::span<const std::byte> bytes, Past& past, Scratch& scratch);
  std::span<const std::byte> code(StreamKind kind, std::span<const std::byte> bytes, int match_level, Scratch& scratch);

  std::vector<std::byte> rans_;
  std::vector<std::byte> context_;
  ZstdCompressor huffman_ = ZstdCompressor::huffman_only();
  ZstdCompressor matches_ = ZstdCompressor::with_matches();
  ZstdCompressor trial_ = ZstdCompressor::with_matches();  ///< its own: a change of level costs more than a sample
};

/// Reads streams back from storage: sizes are checked before anything is allocated.
class CodedStreams final : public StreamSource {
 public:
  CodedStreams(ByteCursor& cursor, ZstdDecompressor& zstd, Scratch& scratch)
      : cursor_(cursor), zstd_(zstd), scratch_(scratch) {}
  using StreamSource::next;
  Result<std::span<const std::byte>> next(std::size_t least_bytes, std::size_t most_bytes) override;

 private:
  Result<std::span<const std::byte>> read(std::size_t least_bytes, std::size_t most_bytes);
  Result<void> decode(StreamKind kind, std::span<const std::byte> coded, std::span<std::byte> out);

  ByteCursor& cursor_;
  ZstdDecompressor& zstd_;
  Scratch& scratch_;
  context::History history_;
};

/// The streams of a Split as they are.
class SplitStreams final : public StreamSource {
 public:
  explicit SplitStreams(const Split& split) : split_(split) {}
  using StreamSource::next;
  Result<std::span<const std::byte>> next(std::size_t least_bytes, std::size_t most_bytes) override;

 private:
  const Split& split_;
  std::size_t at_ = 0;
};

}  // namespace elves::encode
