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

/// How a stream is stored. The numbers are part of the format: docs/format/transforms/README.md.
enum class StreamKind : std::uint8_t { Constant = 0, Stored = 1, Huffman = 2, Zstd = 3, Rans = 4, Context = 5 };

inline constexpr unsigned kStreamKindBits = 3;

/// Whether Level::Max tries context coding, which is the slowest coder.
enum class Contexts : bool { Skip, Try };

/// The kind of stream that is expected to be smallest, and its estimated size.
struct StreamPlan {
  StreamKind kind = StreamKind::Stored;
  std::size_t bytes = 0;
};

/// Writes streams, each in the kind that is expected to be smallest. Holds two zstd contexts.
class StreamEncoder {
 public:
  /// Estimates from samples of the stream: a histogram, and trial compression with zstd's fastest level if the sample
  /// repeats itself (only if `look_for_repeats`). Context coding is not considered.
  StreamPlan plan(const Stream& stream, const EncodeOptions& options, Scratch& scratch, bool look_for_repeats = true);

  /// Appends all streams of a chunk, each as {varint raw size and kind, [varint coded size], data}: at most 9 bytes
  /// more than the stream. Level::Max tries every kind; other levels use plan().
  void encode(std::span<const Stream> streams, const EncodeOptions& options, Scratch& scratch,
              std::vector<std::byte>& out, Contexts contexts = Contexts::Try);

 private:
  /// A kind of stream, and the data of the stream in that kind.
  struct Form {
    StreamKind kind = StreamKind::Stored;
    std::span<const std::byte> data;
  };
  static Form smaller(const Form& form, const Form& best);

  /// The streams of the chunk that were encoded before.
  struct Past {
    context::History history;
    std::size_t period = 1;  ///< of the first of the streams of equal size, which are parts of the same elements
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
};

/// Reads streams from storage. Sizes are checked before memory is taken.
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

/// The streams of a Split, not coded.
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
