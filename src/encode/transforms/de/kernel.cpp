#include "encode/transforms/de/kernel.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "encode/bits.hpp"

namespace elves::encode::de {
namespace {

constexpr std::uint32_t kEmpty = 0xFFFFFFFF;

template <class Word>
Word word_at(const std::byte* words, std::size_t i) {
  Word word;
  std::memcpy(&word, words + i * sizeof(Word), sizeof(Word));
  return word;
}

// Open addressing: a slot holds the position of the last occurrence of a word, whose bits are its key.
template <class Word>
class LastSeen {
 public:
  LastSeen(const std::byte* words, std::span<std::uint32_t> slots)
      : words_(words), slots_(slots), shift_(static_cast<int>(64 - std::bit_width(slots.size() - 1))) {
    std::ranges::fill(slots_, kEmpty);
  }

  /// The position where the word at `i` was seen last, or kEmpty; from now on it is `i`.
  std::uint32_t exchange(std::size_t i) {
    const auto word = word_at<Word>(words_, i);
    std::size_t slot = static_cast<std::size_t>(static_cast<std::uint64_t>(word) * 0x9E3779B97F4A7C15 >> shift_);
    while (slots_[slot] != kEmpty && word_at<Word>(words_, slots_[slot]) != word)
      slot = (slot + 1) & (slots_.size() - 1);
    return std::exchange(slots_[slot], static_cast<std::uint32_t>(i));
  }

 private:
  const std::byte* words_;
  std::span<std::uint32_t> slots_;
  int shift_;
};

}  // namespace

std::size_t table_slots(std::size_t n_words) {
  return std::bit_ceil(std::max<std::size_t>(2 * n_words, 2));
}

template <class Word>
Parts encode(const std::byte* words, std::size_t n, std::span<std::uint32_t> table, std::byte* flags,
             std::byte* lengths, std::byte* distances, std::byte* distinct) {
  LastSeen<Word> last_seen(words, table);
  BitWriter flag(flags);
  BitWriter length(lengths);
  BitWriter distance(distances);
  std::byte* next_distinct = distinct;
  for (std::size_t i = 0; i < n; ++i) {
    const auto before = last_seen.exchange(i);
    flag.write(before == kEmpty ? 0 : 1, 1);
    if (before == kEmpty) {
      std::memcpy(next_distinct, words + i * sizeof(Word), sizeof(Word));
      next_distinct += sizeof(Word);
      continue;
    }
    const auto back = static_cast<std::uint64_t>(i - before);
    const auto n_bits = static_cast<unsigned>(std::bit_width(back));
    length.write(n_bits, 5);
    distance.write(back, n_bits);
  }
  flag.finish();
  return {.n_distinct = static_cast<std::size_t>(next_distinct - distinct) / sizeof(Word),
          .length_bytes = static_cast<std::size_t>(length.finish() - lengths),
          .distance_bytes = static_cast<std::size_t>(distance.finish() - distances)};
}

template <class Word>
unsigned repeats_in_256(const std::byte* words, std::size_t n) {
  std::array<std::uint32_t, 2 * kProbe> slots;
  LastSeen<Word> last_seen(words, std::span(slots).first(table_slots(n)));
  std::size_t repeats = 0;
  for (std::size_t i = 0; i < n; ++i) repeats += last_seen.exchange(i) != kEmpty ? 1 : 0;
  return n == 0 ? 0 : static_cast<unsigned>(repeats * 256 / n);
}

#define ELVES_INSTANTIATE(Word)                                                                                \
  template Parts encode<Word>(const std::byte*, std::size_t, std::span<std::uint32_t>, std::byte*, std::byte*, \
                              std::byte*, std::byte*);                                                         \
  template unsigned repeats_in_256<Word>(const std::byte*, std::size_t)

ELVES_INSTANTIATE(std::uint32_t);
ELVES_INSTANTIATE(std::uint64_t);

}  // namespace elves::encode::de
