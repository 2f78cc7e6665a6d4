#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "elves/codec.hpp"
#include "encode/transform.hpp"
#include "encode/zstd_frame.hpp"

namespace elves::encode {

/// How a stream is stored. The numbers are part of the format: never renumbered. docs/transforms/README.md.
enum class StreamKind : std::uint8_t { Constant = 0, Stored = 1, Huffman = 2, Zstd = 3, Rans = 4 };

inline constexpr unsigned kStreamKindBits = 3;

/// What a look at a stream tells: the best way to store it, and about how many bytes that takes.
struct StreamPlan {
  StreamKind kind = StreamKind::Stored;
  std::size_t bytes = 0;
};

/// Writes streams, each the best way. Holds three zstd contexts.
class StreamEncoder {
 public:
  /// From samples of the stream: a histogram, and, where a sample repeats itself, trial compression with the fastest
  /// match finder.
  StreamPlan plan(const Stream& stream, const EncodeOptions& options, Scratch& scratch, bool look_for_repeats = true);

  /// Appends {varint raw size and kind, [varint coded size], data}. Never more than the stream and 9 bytes.
  void encode(const Stream& stream, const EncodeOptions& options, Scratch& scratch, std::vector<std::byte>& out);

 private:
  std::span<const std::byte> code(StreamKind kind, std::span<const std::byte> bytes, Level level, Scratch& scratch);

  std::vector<std::byte> rans_;
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
  ByteCursor& cursor_;
  ZstdDecompressor& zstd_;
  Scratch& scratch_;
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
