#include "encode/transforms/de/kernel.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "encode/bits.hpp"

namespace elves::encode::de {
namespace {

constexpr std::uint32_t kEmpty = 0xFFFFFFFF;  // larger than any position
constexpr unsigned kBucketBits = 13;          // a bucket has about 2^13 words: its table fits in the L2 cache
constexpr std::size_t kMostBuckets = kMostWords >> kBucketBits;
constexpr std::size_t kSlotsOfWord = 4;  // slots per word: nearly all words are found at their first slot
constexpr unsigned kMostProbes = 64;     // then the word counts as distinct: bounds the time for chosen hash collisions
constexpr std::size_t kBlock = 64;

template <class Word>
Word word_at(const std::byte* words, std::size_t i) {
  Word word;
  std::memcpy(&word, words + i * sizeof(Word), sizeof(Word));
  return word;
}

std::uint64_t hash(std::uint64_t word) {
  return (word ^ word >> 32) * 0x9E3779B97F4A7C15;
}

// Finds the repeats among the words of one bucket: those whose hashes have the same upper `hash_bits`. Open addressing.
template <class Word>
void find_repeats(std::span<const Word> words, const std::uint32_t* positions, unsigned hash_bits,
                  const Memory<Word>& memory) {
  const auto slots = memory.table.first(std::min(memory.table.size(), kSlotsOfWord * std::bit_ceil(words.size())));
  const int shift = 64 - std::countr_zero(slots.size());
  std::ranges::fill(slots, kEmpty);
  for (std::uint32_t i = 0; i < words.size(); ++i) {
    auto slot = static_cast<std::size_t>(hash(words[i]) << hash_bits >> shift);
    // An empty slot counts as the word itself (distance 0): no branch depends on whether the word is a repeat.
    auto last = std::min(slots[slot], i);
    for (unsigned probe = 1; words[last] != words[i]; ++probe) {
      slot = (slot + 1) & (slots.size() - 1);
      last = probe == kMostProbes ? i : std::min(slots[slot], i);
    }
    memory.back[positions[i]] = positions[i] - positions[last];
    slots[slot] = i;
  }
}

// Fills memory.back. First sorts the words into buckets by the upper bits of their hashes.
template <class Word>
void find_repeats(const std::byte* words, std::size_t n, const Memory<Word>& memory) {
  const auto n_buckets = std::bit_floor(std::max<std::size_t>(n >> kBucketBits, 1));
  const auto hash_bits = static_cast<unsigned>(std::countr_zero(n_buckets));
  const auto bucket_of = [&](Word word) { return static_cast<std::size_t>(hash(word) >> 1 >> (63 - hash_bits)); };
  std::array<std::size_t, kMostBuckets + 1> ends{};
  for (std::size_t i = 0; i < n; ++i) ++ends[bucket_of(word_at<Word>(words, i)) + 1];
  for (std::size_t b = 0; b < n_buckets; ++b) ends[b + 1] += ends[b];  // the begin of bucket b; later its end
  for (std::size_t i = 0; i < n; ++i) {
    const auto word = word_at<Word>(words, i);
    const auto to = ends[bucket_of(word)]++;
    memory.words[to] = word;
    memory.positions[to] = static_cast<std::uint32_t>(i);
  }
  for (std::size_t b = 0, begin = 0; b < n_buckets; begin = ends[b++]) {
    const auto bucket = std::span<const Word>(memory.words).subspan(begin, ends[b] - begin);
    find_repeats(bucket, memory.positions.data() + begin, hash_bits, memory);
  }
}

}  // namespace

std::size_t table_slots(std::size_t n_words) {
  return std::bit_ceil(std::max<std::size_t>(2 * n_words, 4));
}

template <class Word>
Sizes encode(const std::byte* words, std::size_t n, const Memory<Word>& memory, const Streams& to) {
  find_repeats(words, n, memory);
  BitWriter flags(to.flags);
  BitWriter lengths(to.lengths);
  BitWriter distances(to.distances);
  std::size_t n_distinct = 0;
  for (std::size_t at = 0; at < n; at += kBlock) {
    const auto n_block = std::min(kBlock, n - at);
    // Each word is written both as distinct and as a repeat, and one of the two is kept: a branch would be
    // unpredictable.
    std::array<std::uint32_t, kBlock> repeats;
    std::size_t n_repeats = 0;
    for (std::size_t i = at; i < at + n_block; ++i) {
      const unsigned is_repeat = memory.back[i] != 0 ? 1 : 0;
      flags.write(is_repeat, 1);
      repeats[n_repeats] = memory.back[i];
      n_repeats += is_repeat;
      std::memcpy(to.distinct + n_distinct * sizeof(Word), words + i * sizeof(Word), sizeof(Word));
      n_distinct += 1 - is_repeat;
    }
    for (std::size_t i = 0; i < n_repeats; ++i) {
      const auto n_bits = static_cast<unsigned>(std::bit_width(repeats[i]));
      lengths.write(n_bits, 5);
      distances.write(repeats[i], n_bits);
    }
  }
  flags.finish();
  return {.n_distinct = n_distinct,
          .length_bytes = static_cast<std::size_t>(lengths.finish() - to.lengths),
          .distance_bytes = static_cast<std::size_t>(distances.finish() - to.distances)};
}

template <class Word>
std::size_t count_repeats(const std::byte* words, std::size_t n) {
  std::array<std::uint16_t, 4 * kMostCounted> last{};  // by hash; a repeat whose slot was overwritten is not counted
  std::size_t repeats = 0;
  for (std::size_t i = 1; i < n; ++i) {
    const auto word = word_at<Word>(words, i);
    auto& slot = last[hash(word) >> (64 - std::countr_zero(last.size()))];
    repeats += word_at<Word>(words, slot) == word ? 1 : 0;
    slot = static_cast<std::uint16_t>(i);
  }
  return repeats;
}

#define ELVES_INSTANTIATE(Word)                                                                    \
  template Sizes encode<Word>(const std::byte*, std::size_t, const Memory<Word>&, const Streams&); \
  template std::size_t count_repeats<Word>(const std::byte*, std::size_t)

ELVES_INSTANTIATE(std::uint32_t);
ELVES_INSTANTIATE(std::uint64_t);

}  // namespace elves::encode::de
