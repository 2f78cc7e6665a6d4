#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace elves::encode::de {

inline constexpr std::size_t kMostWords = std::size_t{1} << 20;

/// What the search for repeats needs for n words: n of each, and table_slots(n) of the table. Of any content.
template <class Word>
struct Memory {
  std::span<Word> words;               ///< in the order of their hashes
  std::span<std::uint32_t> positions;  ///< where they were
  std::span<std::uint32_t> back;       ///< by position: how far back the word was last, 0 where it is new
  std::span<std::uint32_t> table;
};
std::size_t table_slots(std::size_t n_words);

/// Where encode() writes. flags: one bit a word, 1 for a repeat. lengths: 5 bits a repeat. distances: that many bits a
/// repeat. distinct: the words that are no repeats, in order. Bits are packed, most significant first. Room for
/// ceil(n / 8), ceil(5 n / 8), ceil(n * bit_width(n) / 8) bytes and n words; `distinct` may be Memory::words.
struct Streams {
  std::byte* flags = nullptr;
  std::byte* lengths = nullptr;
  std::byte* distances = nullptr;
  std::byte* distinct = nullptr;
};

/// How much it wrote; all of the flags.
struct Sizes {
  std::size_t n_distinct = 0;
  std::size_t length_bytes = 0;
  std::size_t distance_bytes = 0;
};

/// Linear time, n <= kMostWords. A word that was there before may be taken for new where many words have equal hashes.
template <class Word>
Sizes encode(const std::byte* words, std::size_t n, const Memory<Word>& memory, const Streams& to);

/// About how many of n words (n <= kMostCounted) were before; never more than there are. A nanosecond a word.
inline constexpr std::size_t kMostCounted = 1024;
template <class Word>
std::size_t count_repeats(const std::byte* words, std::size_t n);

}  // namespace elves::encode::de
