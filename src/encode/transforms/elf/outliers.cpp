#include "encode/transforms/elf/outliers.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "encode/transforms/elf/kernel.hpp"
#include "support/try.hpp"

namespace elves::encode::elf {
namespace {

constexpr std::size_t kPositionBytes = 5;  // largest size of a varint below 2^35; a chunk has fewer elements

std::byte* write_varint(std::uint64_t value, std::byte* to) {
  for (; value >= 0x80; value >>= 7) *to++ = static_cast<std::byte>(value | 0x80);
  *to++ = static_cast<std::byte>(value);
  return to;
}

}  // namespace

template <class Word>
void split_outliers(std::span<const std::byte> values, std::span<const std::uint16_t> block_outliers, unsigned dropped,
                    Scratch& scratch, Split& to) {
  const auto n_outliers = std::accumulate(block_outliers.begin(), block_outliers.end(), std::size_t{0});
  if (n_outliers == 0) return;
  const auto positions = scratch.take(n_outliers * kPositionBytes);
  const auto kept = scratch.take(n_outliers * sizeof(Word));
  std::byte* next_position = positions.data();
  std::byte* next_kept = kept.data();
  std::array<std::uint32_t, kBlock> found;
  std::size_t expected = 0;
  const std::size_t n = values.size() / sizeof(Word);
  for (std::size_t at = 0; at < n; at += kBlock) {
    if (block_outliers[at / kBlock] == 0) continue;
    const auto* block = values.data() + at * sizeof(Word);
    const auto n_found = find_outliers<Word>(block, std::min(kBlock, n - at), dropped, found.data());
    for (std::size_t i = 0; i < n_found; ++i) {
      next_position = write_varint(at + found[i] - expected, next_position);
      std::memcpy(next_kept, block + found[i] * sizeof(Word), sizeof(Word));
      next_kept += sizeof(Word);
      expected = at + found[i] + 1;
    }
  }
  to.streams.push_back({positions.first(static_cast<std::size_t>(next_position - positions.data()))});
  to.streams.push_back({kept});
}

Result<void> join_outliers(StreamSource& streams, std::uint64_t n_outliers, std::size_t word_bytes,
                           std::span<std::byte> out) {
  if (n_outliers == 0) return {};
  const std::size_t n_words = out.size() / word_bytes;
  if (n_outliers > n_words) return Error{"elf: damaged: more outliers than elements"};
  const auto n = static_cast<std::size_t>(n_outliers);
  ELVES_TRY(const auto positions, streams.next(n, n * kPositionBytes));
  ELVES_TRY(const auto kept, streams.next(n * word_bytes));

  ByteCursor position(positions);
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto skip = position.read_varint();
    if (position.failed()) return Error{"elf: damaged: ends before all outlier positions"};
    if (skip >= n_words - at) return Error{"elf: damaged: the position of an outlier is out of range"};
    at += skip;
    std::memcpy(out.data() + at * word_bytes, kept.data() + i * word_bytes, word_bytes);
    ++at;
  }
  if (!position.at_end()) return Error{"elf: damaged: bytes after the last outlier position"};
  return {};
}

template void split_outliers<std::uint16_t>(std::span<const std::byte>, std::span<const std::uint16_t>, unsigned,
                                            Scratch&, Split&);
template void split_outliers<std::uint32_t>(std::span<const std::byte>, std::span<const std::uint16_t>, unsigned,
                                            Scratch&, Split&);
template void split_outliers<std::uint64_t>(std::span<const std::byte>, std::span<const std::uint16_t>, unsigned,
                                            Scratch&, Split&);

}  // namespace elves::encode::elf
