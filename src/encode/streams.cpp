#include "encode/streams.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "encode/entropy.hpp"
#include "encode/rans/rans.hpp"
#include "encode/repeats.hpp"

namespace elves::encode {
namespace {

constexpr std::size_t kPieceBytes = 1u << 10;       // a histogram is made from pieces of this size,
constexpr std::size_t kMatchPieceBytes = 2u << 10;  // trial compression from pieces of this size,
constexpr std::size_t kPieces = 4;                  // spread over the stream
constexpr std::size_t kLeastBytes = 16;             // no frame makes a stream smaller than this smaller
constexpr std::size_t kTableBytes = 32;             // about what zstd's Huffman table takes in a block
constexpr std::size_t kBlockBytes = 128u << 10;     // zstd's block
constexpr std::size_t kLeastGain = 256;             // a stream is coded where this part of it can be saved

bool is_constant(std::span<const std::byte> bytes) {
  return std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

int match_level(Level level) {
  if (level == Level::Fast) return 1;
  return level == Level::Max ? 19 : 3;
}

// The whole stream where it is small, else pieces of it side by side.
std::span<const std::byte> sample_of(std::span<const std::byte> bytes, std::size_t piece_bytes, Scratch& scratch) {
  if (bytes.size() <= kPieces * piece_bytes) return bytes;
  const auto sample = scratch.take(kPieces * piece_bytes);
  const std::size_t stride = (bytes.size() - piece_bytes) / (kPieces - 1);
  for (std::size_t i = 0; i < kPieces; ++i) {
    std::memcpy(sample.data() + i * piece_bytes, bytes.data() + i * stride, piece_bytes);
  }
  return sample;
}

std::size_t scale(std::size_t part, std::size_t from, std::size_t to) {
  return static_cast<std::size_t>(std::uint64_t{part} * to / from);
}

// What rans takes for n bytes of that entropy: shares of 256 slots are coarse, above all where many values share them.
std::size_t rans_bytes(std::uint64_t entropy, std::size_t n) {
  const auto coarse = n / 80 + (entropy > 4 * n ? n / 50 : 0) + (entropy > 5 * n ? n / 24 : 0);
  return static_cast<std::size_t>(entropy + entropy / 256 + coarse) / 8;
}

// Huffman codes are whole bits.
std::size_t huffman_bytes(std::uint64_t entropy, std::size_t n) {
  const auto coarse = n / 24 + (entropy > 4 * n ? n / 12 : 0);
  return static_cast<std::size_t>(std::max<std::uint64_t>(entropy, n) + coarse) / 8;
}

void write_header(StreamKind kind, std::size_t raw_bytes, ByteWriter& to) {
  to.varint(std::uint64_t{raw_bytes} << kStreamKindBits | static_cast<std::uint64_t>(kind));
}

Error size_error(std::uint64_t has, std::size_t least, std::size_t most) {
  return {"chunk: damaged: a stream of " + std::to_string(has) + " bytes where " + std::to_string(least) + " to " +
          std::to_string(most) + " are due"};
}

}  // namespace

StreamPlan StreamEncoder::plan(const Stream& stream, const EncodeOptions& options, Scratch& scratch,
                               bool look_for_repeats) {
  const auto bytes = stream.bytes;
  if (bytes.empty()) return {StreamKind::Stored, 0};
  if (is_constant(bytes)) return {StreamKind::Constant, 1};
  if (!options.use_zstd || bytes.size() < kLeastBytes) return {StreamKind::Stored, bytes.size()};
  StreamPlan best{StreamKind::Stored, bytes.size() - bytes.size() / kLeastGain};
  const auto consider = [&](StreamKind kind, std::size_t n) {
    if (n < best.bytes) best = {kind, n};
  };
  const auto mark = scratch.mark();
  if (!stream.matches_only) {
    const auto sample = sample_of(bytes, kPieceBytes, scratch);
    const auto counts = histogram(sample);
    const auto entropy = entropy_bits(counts);
    const auto rans = scale(rans_bytes(entropy, sample.size()), sample.size(), bytes.size());
    const auto huffman = scale(huffman_bytes(entropy, sample.size()), sample.size(), bytes.size());
    const auto n_values = static_cast<std::size_t>(std::ranges::count_if(counts, [](auto n) { return n != 0; }));
    consider(StreamKind::Rans, rans + rans::kLeastOverhead + n_values);
    consider(StreamKind::Huffman, huffman + kTableBytes * (1 + bytes.size() / kBlockBytes));
  }
  if (stream.matches_only || (look_for_repeats && repeats_itself(bytes))) {
    const auto sample = sample_of(bytes, kMatchPieceBytes, scratch);
    const auto frame = code(StreamKind::Zstd, sample, Level::Fast, scratch);
    const auto n = scale(frame.size(), sample.size(), bytes.size());
    consider(StreamKind::Zstd, n + n / 64);
  }
  scratch.rewind(mark);
  if (best.kind == StreamKind::Stored) best.bytes = bytes.size();
  return best;
}

// The coded bytes, or `bytes` where they would not become fewer.
std::span<const std::byte> StreamEncoder::code(StreamKind kind, std::span<const std::byte> bytes, Level level,
                                               Scratch& scratch) {
  if (kind == StreamKind::Rans) {
    rans_.clear();
    return rans::encode(bytes, bytes.size(), scratch, rans_) ? rans_ : bytes;
  }
  if (kind == StreamKind::Zstd) matches_.set_level(match_level(level));
  auto& zstd = kind == StreamKind::Huffman ? huffman_ : matches_;
  const auto to = scratch.take(ZstdCompressor::bound(bytes.size()));
  const auto size = zstd.compress(bytes, to);
  return size && *size < bytes.size() ? to.first(*size) : bytes;
}

void StreamEncoder::encode(const Stream& stream, const EncodeOptions& options, Scratch& scratch,
                           std::vector<std::byte>& out) {
  const auto bytes = stream.bytes;
  const auto mark = scratch.mark();
  ByteWriter to(out);
  if (!bytes.empty() && is_constant(bytes)) {
    write_header(StreamKind::Constant, bytes.size(), to);
    return to.write(bytes[0]);
  }
  const bool may_code = options.use_zstd && bytes.size() >= kLeastBytes;
  const bool try_all = may_code && options.level == Level::Max;
  const auto plan = may_code && !try_all ? this->plan(stream, options, scratch) : StreamPlan{};
  StreamKind kind = StreamKind::Stored;
  auto data = bytes;
  for (const StreamKind coded : {StreamKind::Rans, StreamKind::Huffman, StreamKind::Zstd}) {
    if (!(plan.kind == coded || try_all) || (stream.matches_only && coded != StreamKind::Zstd)) continue;
    const auto tried = code(coded, bytes, options.level, scratch);
    if (tried.size() + 4 >= data.size()) continue;
    kind = coded;
    data = tried;
  }
  write_header(kind, bytes.size(), to);
  if (kind != StreamKind::Stored) to.varint(data.size());
  to.bytes(data);
  scratch.rewind(mark);
}

Result<std::span<const std::byte>> CodedStreams::next(std::size_t least_bytes, std::size_t most_bytes) {
  const auto head = cursor_.read_varint();
  const auto kind = static_cast<unsigned>(head & ((1u << kStreamKindBits) - 1));
  const std::uint64_t raw_bytes = head >> kStreamKindBits;
  if (cursor_.failed()) return Error{"chunk: damaged: ends before all of its streams"};
  if (raw_bytes < least_bytes || raw_bytes > most_bytes) return size_error(raw_bytes, least_bytes, most_bytes);
  const auto n = static_cast<std::size_t>(raw_bytes);

  if (kind == static_cast<unsigned>(StreamKind::Stored)) {
    const auto data = cursor_.take(n);
    if (cursor_.failed()) return Error{"chunk: damaged: ends within a stored stream"};
    return data;
  }
  if (kind == static_cast<unsigned>(StreamKind::Constant)) {
    const auto value = cursor_.read<std::byte>();
    if (cursor_.failed()) return Error{"chunk: damaged: ends within a constant stream"};
    const auto data = scratch_.take(n);
    std::fill(data.begin(), data.end(), value);
    return std::span<const std::byte>(data);
  }
  if (kind > static_cast<unsigned>(StreamKind::Rans)) {
    return Error{"chunk: unknown stream kind " + std::to_string(kind) + ": written by a newer elves, or damaged"};
  }
  const auto frame = cursor_.take(cursor_.read_varint());
  if (cursor_.failed()) return Error{"chunk: damaged: ends within a coded stream"};
  const auto data = scratch_.take(n);
  if (kind == static_cast<unsigned>(StreamKind::Rans)) {
    if (auto done = rans::decode(frame, scratch_, data); !done) return done.error();
    return std::span<const std::byte>(data);
  }
  if (!zstd_.decompress(frame, data)) {
    return Error{"chunk: damaged: a zstd frame does not give the " + std::to_string(n) + " bytes of its stream"};
  }
  return std::span<const std::byte>(data);
}

Result<std::span<const std::byte>> SplitStreams::next(std::size_t least_bytes, std::size_t most_bytes) {
  if (at_ == split_.streams.size()) return Error{"chunk: fewer streams than the transform asks for"};
  const auto bytes = split_.streams[at_++].bytes;
  if (bytes.size() < least_bytes || bytes.size() > most_bytes) return size_error(bytes.size(), least_bytes, most_bytes);
  return bytes;
}

}  // namespace elves::encode
