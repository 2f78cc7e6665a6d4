#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace elves::encode::de {

/// What a linear pass over n words made. flags: one bit a word, 1 for a repeat. lengths: 5 bits a repeat. distances:
/// that many bits a repeat. distinct: the words that are no repeats, in order. Bits are packed, most significant first.
struct Parts {
  std::size_t n_distinct = 0;
  std::size_t length_bytes = 0;
  std::size_t distance_bytes = 0;
};

/// Slots of the hash table that n words need: a power of two, at least twice n.
std::size_t table_slots(std::size_t n_words);

/// Fills flags (ceil(n / 8) bytes), lengths (ceil(5 n / 8)), distances (room for 31 n bits), distinct (room for n
/// words). `table` has table_slots(n) entries of any content. n < 2^31, so that a distance fits 31 bits.
template <class Word>
Parts encode(const std::byte* words, std::size_t n, std::span<std::uint32_t> table, std::byte* flags,
             std::byte* lengths, std::byte* distances, std::byte* distinct);

/// Share of repeats among n words (n <= kProbe), in 1/256.
inline constexpr std::size_t kProbe = 1024;
template <class Word>
unsigned repeats_in_256(const std::byte* words, std::size_t n);

}  // namespace elves::encode::de
