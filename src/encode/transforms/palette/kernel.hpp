#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace elves::encode::palette {

inline constexpr std::size_t kMostValues = 256;

/// The distinct words of a chunk, in order of first occurrence. `n` is above kMostValues if there are more than that;
/// then the others were not looked for.
template <class Word>
struct Values {
  std::array<Word, kMostValues> words;
  std::size_t n = 0;
};

/// Looks at every `step`-th of n words, and stops after more than kMostValues distinct ones. If `indices` is not null
/// (only with step 1), sets indices[i] to the index of word i in the values. About 2 ns per word.
template <class Word>
Values<Word> find_values(const std::byte* words, std::size_t n, std::size_t step, std::uint8_t* indices);

/// words[i] = values[indices[i]]. False, and no word is set, if an index is not below `n_values`.
template <class Word>
bool look_up(const std::uint8_t* indices, std::size_t n, const Word* values, std::size_t n_values, std::byte* words);

/// Width in bits of an index into `n_values` values: 1, 2, 4 or 8.
constexpr unsigned index_bits(std::size_t n_values) {
  return n_values <= 2 ? 1 : n_values <= 4 ? 2 : n_values <= 16 ? 4 : 8;
}

/// Packs indices of 1, 2, 4 or 8 bits without gaps, the first at the top of a byte; zero bits fill the last byte.
void pack(const std::uint8_t* indices, std::size_t n, unsigned n_bits, std::byte* packed);
void unpack(const std::byte* packed, std::size_t n, unsigned n_bits, std::uint8_t* indices);

}  // namespace elves::encode::palette
