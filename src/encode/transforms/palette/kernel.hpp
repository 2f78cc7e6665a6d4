#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace elves::encode::palette {

inline constexpr std::size_t kMostValues = 256;

/// The distinct words of a chunk, in the order in which they came, and how many there are; more than kMostValues where
/// not all were seen.
template <class Word>
struct Values {
  std::array<Word, kMostValues> words;
  std::size_t n = 0;
};

/// Looks at every `step`-th of n words, until there are more than kMostValues. Where `indices` is given (step 1), sets
/// indices[i] to the place of word i in the values. Some 2 ns a word.
template <class Word>
Values<Word> find_values(const std::byte* words, std::size_t n, std::size_t step, std::uint8_t* indices);

/// words[i] = values[indices[i]]; false where an index is not below `n_values`, and the words are then not all set.
template <class Word>
bool look_up(const std::uint8_t* indices, std::size_t n, const Word* values, std::size_t n_values, std::byte* words);

/// Bits of an index of `n_values`: 1, 2, 4 or 8.
constexpr unsigned index_bits(std::size_t n_values) {
  return n_values <= 2 ? 1 : n_values <= 4 ? 2 : n_values <= 16 ? 4 : 8;
}

/// Indices of 1, 2, 4 or 8 bits back to back, the first at the top of a byte, zero bits at the end of the last.
void pack(const std::uint8_t* indices, std::size_t n, unsigned n_bits, std::byte* packed);
void unpack(const std::byte* packed, std::size_t n, unsigned n_bits, std::uint8_t* indices);

}  // namespace elves::encode::palette
