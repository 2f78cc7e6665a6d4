#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace elves::encode::de {

inline constexpr std::size_t kMostWords = std::size_t{1} << 20;

/// Memory for the search for repeats among n words: n elements of each span, and table_slots(n) of the table. The
/// contents do not matter.
template <class Word>
struct Memory {
  std::span<Word> words;               ///< sorted into buckets by their hashes
  std::span<std::uint32_t> positions;  ///< of these words in the chunk
  std::span<std::uint32_t> back;       ///< by position: distance to the last occurrence of the word, 0 for the first
  std::span<std::uint32_t> table;
};
std::size_t table_slots(std::size_t n_words);

/// The output of encode(). flags: one bit per word, 1 for a repeat. lengths: 5 bits per repeat, the width of its
/// distance. distances: of each repeat, in that width. distinct: the words that are not repeats, in order. Bits are
/// packed, the most significant first. Room: ceil(n / 8), ceil(5 n / 8), ceil(n * bit_width(n) / 8) bytes, and n words;
/// `distinct` may be Memory::words.
struct Streams {
  std::byte* flags = nullptr;
  std::byte* lengths = nullptr;
  std::byte* distances = nullptr;
  std::byte* distinct = nullptr;
};

/// The sizes of what encode() wrote, besides the flags.
struct Sizes {
  std::size_t n_distinct = 0;
  std::size_t length_bytes = 0;
  std::size_t distance_bytes = 0;
};

/// Linear time; n <= kMostWords. If many words have equal hashes, a repeat may be coded as a distinct word.
template <class Word>
Sizes encode(const std::byte* words, std::size_t n, const Memory<Word>& memory, const Streams& to);

/// Estimates how many of n <= kMostCounted words are repeats; never more than there are. About 1 ns per word.
inline constexpr std::size_t kMostCounted = 1024;
template <class Word>
std::size_t count_repeats(const std::byte* words, std::size_t n);

}  // namespace elves::encode::de
