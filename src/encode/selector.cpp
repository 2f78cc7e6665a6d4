#include "encode/selector.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "encode/repeats.hpp"
#include "support/assert.hpp"

namespace elves::encode {
namespace {

constexpr std::size_t kPieceBytes = 4u << 10;
constexpr std::size_t kPieces = 4;
constexpr double kSampleSlackDb = 6;  // the ratio of the sample may be this much below the guard

bool allowed(const Transform& row, const Chunk& chunk, const EncodeOptions& options) {
  if (row.stage && !(options.*switch_of(*row.stage))) return false;
  if (row.lossy && options.lossless) return false;
  if (row.level > options.level) return false;
  if (row.base_use != BaseUse::None && chunk.base.bytes.empty()) return false;
  if (row.base_use == BaseUse::Exact && !chunk.base.exact) return false;
  if (!row.accepts(chunk.dtype, options)) return false;
  return options.level == Level::Max || !row.worth_trying || row.worth_trying(chunk);
}

// Fills `to` with the bytes from `at` on, then with zeros: a base shorter than its chunk is extended by zeros.
void copy_or_zero(std::span<const std::byte> from, std::size_t at, std::span<std::byte> to) {
  const auto n = std::min(to.size(), from.size() - std::min(at, from.size()));
  if (n > 0) std::memcpy(to.data(), from.data() + at, n);
  std::ranges::fill(to.subspan(n), std::byte{0});
}

Chunk sample_of(const Chunk& chunk, Scratch& scratch) {
  const auto bytes = chunk.bytes;
  if (bytes.size() <= kPieces * kPieceBytes) return chunk;
  const std::size_t element = size_bytes(chunk.dtype);
  const std::size_t piece = kPieceBytes / element * element;  // whole blocks, so that each piece begins with a block
  const std::size_t stride = (bytes.size() - piece) / (kPieces - 1) / element * element;
  const auto pieces_of = [&](std::span<const std::byte> from) {
    const auto pieces = scratch.take(kPieces * piece);
    for (std::size_t i = 0; i < kPieces; ++i) copy_or_zero(from, i * stride, pieces.subspan(i * piece, piece));
    return std::span<const std::byte>(pieces);
  };
  Chunk sample{.bytes = pieces_of(bytes), .dtype = chunk.dtype};
  if (!chunk.base.bytes.empty()) sample.base = {.bytes = pieces_of(chunk.base.bytes), .exact = chunk.base.exact};
  return sample;
}

std::size_t estimate(const Split& split, bool may_repeat, const EncodeOptions& options, StreamEncoder& streams,
                     Scratch& scratch) {
  std::size_t bytes = split.header.size();
  for (const Stream& stream : split.streams)
    bytes += 3 + streams.plan(stream, options, scratch, may_repeat).bytes;  // 3: the header of a stream
  return bytes;
}

}  // namespace

void Candidates::add(Candidate row) {
  ELVES_ASSERT(n_ < rows_.size());
  const auto at = std::ranges::find_if(list(), [&](const Candidate& other) { return row.cost < other.cost; });
  const auto i = static_cast<std::size_t>(at - list().begin());
  std::move_backward(rows_.begin() + i, rows_.begin() + n_, rows_.begin() + n_ + 1);
  rows_[i] = row;
  ++n_;
}

std::size_t cost_of(std::size_t bytes, const Loss& loss) {
  return loss.exact ? bytes : bytes + bytes / 50;
}

bool passes_guard(const Loss& loss, const EncodeOptions& options, double slack_db) {
  if (!(options.min_snr_db > 0)) return true;
  return loss.snr() >= std::pow(10, (options.min_snr_db - slack_db) / 10);
}

Candidates select(const Chunk& chunk, const EncodeOptions& options, StreamEncoder& streams, Scratch& scratch,
                  Split& split) {
  std::array<const Transform*, 16> rows{};
  std::size_t n_rows = 0;
  for (const Transform& row : transforms()) {
    if (allowed(row, chunk, options)) rows[n_rows++] = &row;
  }
  Candidates candidates;
  if (chunk.bytes.empty()) return candidates;
  if (n_rows == 1) {
    candidates.add({rows[0], chunk.bytes.size()});
    return candidates;
  }
  const auto sample = sample_of(chunk, scratch);
  const bool may_repeat = repeats_itself(sample.bytes);
  for (const Transform* row : std::span(rows).first(n_rows)) {
    const auto mark = scratch.mark();
    split.clear();
    row->split(sample, options, scratch, split);
    if (!row->lossy || passes_guard(split.loss, options, kSampleSlackDb)) {
      const std::uint64_t cost = cost_of(estimate(split, may_repeat, options, streams, scratch), split.loss);
      candidates.add({row, static_cast<std::size_t>(cost * chunk.bytes.size() / sample.bytes.size())});
    }
    scratch.rewind(mark);
  }
  return candidates;
}

}  // namespace elves::encode
