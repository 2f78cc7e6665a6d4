#include "encode/streams.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cstring>

#include "encode/entropy.hpp"
#include "encode/rans/rans.hpp"
#include "encode/repeats.hpp"
#include "support/try.hpp"

namespace elves::encode {
namespace {

constexpr std::size_t kPieceBytes = 1u << 10;       // a histogram is made of pieces of this size,
constexpr std::size_t kMatchPieceBytes = 2u << 10;  // trial compression of pieces of this size;
constexpr std::size_t kPieces = 4;                  // both take this many pieces, spread over the stream
constexpr std::size_t kLeastBytes = 16;             // shorter streams are never coded
constexpr std::size_t kTableBytes = 32;             // approximate size of zstd's Huffman table in a block
constexpr std::size_t kBlockBytes = 128u << 10;     // size of zstd's blocks
constexpr std::size_t kLeastGain = 256;             // a stream is coded if that saves at least 1/256 of it
constexpr std::size_t kQuickLoss = 128;             // noise is coded by rANS if that takes at most 1/128 more

bool is_constant(std::span<const std::byte> bytes) {
  return std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

constexpr int kFastMatches = 1;  // zstd levels
constexpr int kMatches = 3;
constexpr int kBestMatches = 19;

int match_level(Level level) {
  return level == Level::Fast ? kFastMatches : kMatches;
}

// The whole stream if it is small, otherwise pieces of it, copied side by side.
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

// Estimated size of n bytes coded by rANS; `entropy` is in bits. The added terms are for the coarseness of 256 slots,
// which costs most if many values share them.
std::size_t rans_bytes(std::uint64_t entropy, std::size_t n) {
  const auto coarse = n / 80 + (entropy > 4 * n ? n / 50 : 0) + (entropy > 5 * n ? n / 24 : 0);
  return static_cast<std::size_t>(entropy + entropy / 256 + coarse) / 8;
}

// Estimated size of n bytes coded by Huffman. The added term: codes have a whole number of bits.
std::size_t huffman_bytes(std::uint64_t entropy, std::size_t n) {
  const auto coarse = n / 24 + (entropy > 4 * n ? n / 12 : 0);
  return static_cast<std::size_t>(std::max<std::uint64_t>(entropy, n) + coarse) / 8;
}

void write_header(StreamKind kind, std::size_t raw_bytes, ByteWriter& to) {
  to.varint(std::uint64_t{raw_bytes} << kStreamKindBits | static_cast<std::uint64_t>(kind));
}

Error size_error(std::uint64_t has, std::size_t least, std::size_t most) {
  return {fmt::format("chunk: damaged: a stream has {} bytes instead of {} to {}", has, least, most)};
}

}  // namespace

StreamPlan StreamEncoder::plan(const Stream& stream, const EncodeOptions& options, Scratch& scratch,
                               bool look_for_repeats) {
  const auto bytes = stream.bytes;
  if (bytes.empty()) return {StreamKind::Stored, 0};
  if (!options.use_entropy_coding) return {StreamKind::Stored, bytes.size()};
  if (is_constant(bytes)) return {StreamKind::Constant, 1};
  if (bytes.size() < kLeastBytes) return {StreamKind::Stored, bytes.size()};
  StreamPlan best{StreamKind::Stored, bytes.size() - bytes.size() / kLeastGain};
  const auto consider = [&](StreamKind kind, std::size_t n) {
    if (n < best.bytes) best = {kind, n};
  };
  const auto mark = scratch.mark();
  const auto sample = sample_of(bytes, kPieceBytes, scratch);
  const auto counts = histogram(sample);
  const auto entropy = entropy_bits(counts);
  const auto rans = scale(rans_bytes(entropy, sample.size()), sample.size(), bytes.size());
  const auto huffman = scale(huffman_bytes(entropy, sample.size()), sample.size(), bytes.size());
  const auto n_values = static_cast<std::size_t>(std::ranges::count_if(counts, [](auto n) { return n != 0; }));
  const auto with_tables = huffman + kTableBytes * (1 + bytes.size() / kBlockBytes);
  consider(StreamKind::Rans, rans + rans::kLeastOverhead + n_values);
  if (best.kind == StreamKind::Stored || !stream.is_noise || best.bytes > with_tables + with_tables / kQuickLoss) {
    consider(StreamKind::Huffman, with_tables);
  }
  if (look_for_repeats && !stream.is_noise && repeats_itself(bytes)) {
    const auto pieces = sample_of(bytes, kMatchPieceBytes, scratch);
    const auto frame = code(StreamKind::Zstd, pieces, kFastMatches, scratch);
    const auto n = scale(frame.size(), pieces.size(), bytes.size());
    consider(StreamKind::Zstd, n + n / 64);
  }
  scratch.rewind(mark);
  if (best.kind == StreamKind::Stored) best.bytes = bytes.size();
  return best;
}

// The coded bytes, or `bytes` if coding does not make them fewer.
std::span<const std::byte> StreamEncoder::code(StreamKind kind, std::span<const std::byte> bytes, int match_level,
                                               Scratch& scratch) {
  if (kind == StreamKind::Rans) {
    rans_.clear();
    return rans::encode(bytes, bytes.size(), scratch, rans_) ? rans_ : bytes;
  }
  if (kind == StreamKind::Zstd) matches_.set_level(match_level);
  auto& zstd = kind == StreamKind::Huffman ? huffman_ : matches_;
  const auto to = scratch.take(ZstdCompressor::bound(bytes.size()));
  const auto size = zstd.compress(bytes, to);
  return size && *size < bytes.size() ? to.first(*size) : bytes;
}

// A coded size takes at most 4 bytes.
StreamEncoder::Form StreamEncoder::smaller(const Form& form, const Form& best) {
  return form.data.size() + 4 < best.data.size() ? form : best;
}

StreamEncoder::Form StreamEncoder::planned_form(const Stream& stream, const EncodeOptions& options, Scratch& scratch) {
  const Form stored{StreamKind::Stored, stream.bytes};
  const auto kind = plan(stream, options, scratch).kind;
  if (kind == StreamKind::Stored) return stored;
  return smaller({kind, code(kind, stream.bytes, match_level(options.level), scratch)}, stored);
}

// Without context coding. The slow match search is tried only if the quick one beats the order-0 coders.
StreamEncoder::Form StreamEncoder::smallest_form(const Stream& stream, Scratch& scratch) {
  Form best{StreamKind::Stored, stream.bytes};
  const auto try_kind = [&](StreamKind kind, int match_level) {
    const auto data = code(kind, stream.bytes, match_level, scratch);
    best = smaller({kind, data}, best);
  };
  try_kind(StreamKind::Rans, 0);
  try_kind(StreamKind::Huffman, 0);
  try_kind(StreamKind::Zstd, kMatches);
  if (best.kind == StreamKind::Zstd) try_kind(StreamKind::Zstd, kBestMatches);
  return best;
}

StreamEncoder::Form StreamEncoder::form_of(const Stream& stream, const EncodeOptions& options, Scratch& scratch) {
  const auto bytes = stream.bytes;
  if (bytes.empty() || !options.use_entropy_coding) return {StreamKind::Stored, bytes};
  if (is_constant(bytes)) return {StreamKind::Constant, bytes.first(1)};
  if (bytes.size() < kLeastBytes) return {StreamKind::Stored, bytes};
  if (options.level == Level::Max) return smallest_form(stream, scratch);
  return planned_form(stream, options, scratch);
}

StreamEncoder::Form StreamEncoder::or_by_context(const Form& best, std::span<const std::byte> bytes, Past& past,
                                                 Scratch& scratch) {
  const auto before = past.history.before(bytes.size());
  if (before.last.empty()) past.period = context::find_period(bytes);
  context_.clear();
  if (best.data.size() < kLeastBytes) return best;
  if (!context::encode(bytes, before, past.period, best.data.size(), scratch, context_)) return best;
  return smaller({StreamKind::Context, context_}, best);
}

void StreamEncoder::encode(std::span<const Stream> streams, const EncodeOptions& options, Scratch& scratch,
                           std::vector<std::byte>& out, Contexts contexts) {
  const bool try_context = options.use_entropy_coding && options.level == Level::Max && contexts == Contexts::Try;
  ByteWriter to(out);
  Past past;
  for (const Stream& stream : streams) {
    const auto mark = scratch.mark();
    auto form = form_of(stream, options, scratch);
    if (try_context) form = or_by_context(form, stream.bytes, past, scratch);
    past.history.add(stream.bytes);
    write_header(form.kind, stream.bytes.size(), to);
    if (form.kind > StreamKind::Stored) to.varint(form.data.size());
    to.bytes(form.data);
    scratch.rewind(mark);
  }
}

Result<std::span<const std::byte>> CodedStreams::next(std::size_t least_bytes, std::size_t most_bytes) {
  auto stream = read(least_bytes, most_bytes);
  if (stream) history_.add(*stream);
  return stream;
}

Result<std::span<const std::byte>> CodedStreams::read(std::size_t least_bytes, std::size_t most_bytes) {
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
  if (kind > static_cast<unsigned>(StreamKind::Context)) {
    return Error{fmt::format("chunk: unknown stream kind {}: written by a newer elves, or damaged", kind)};
  }
  const auto coded = cursor_.take(cursor_.read_varint());
  if (cursor_.failed()) return Error{"chunk: damaged: ends within a coded stream"};
  const auto data = scratch_.take(n);
  ELVES_CHECK(decode(static_cast<StreamKind>(kind), coded, data));
  return std::span<const std::byte>(data);
}

Result<void> CodedStreams::decode(StreamKind kind, std::span<const std::byte> coded, std::span<std::byte> out) {
  if (kind == StreamKind::Rans) return rans::decode(coded, scratch_, out);
  if (kind == StreamKind::Context) return context::decode(coded, history_.before(out.size()), scratch_, out);
  if (!zstd_.decompress(coded, out)) {
    return Error{fmt::format("chunk: damaged: a zstd frame does not decode to the {} bytes of its stream", out.size())};
  }
  return {};
}

Result<std::span<const std::byte>> SplitStreams::next(std::size_t least_bytes, std::size_t most_bytes) {
  if (at_ == split_.streams.size()) return Error{"chunk: the transform reads more streams than there are"};
  const auto bytes = split_.streams[at_++].bytes;
  if (bytes.size() < least_bytes || bytes.size() > most_bytes) return size_error(bytes.size(), least_bytes, most_bytes);
  return bytes;
}

}  // namespace elves::encode
