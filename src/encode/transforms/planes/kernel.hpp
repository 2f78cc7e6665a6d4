#pragma once

#include <cstddef>
#include <span>

namespace elves::encode {

/// Words of 1, 2, 4 or 8 bytes, little endian. `rotate`: rotate each word left by one bit first, which moves the sign
/// of a float to the lowest bit and its exponent to the top.
struct WordShape {
  unsigned n_bytes = 1;
  bool rotate = false;
};

/// planes[k][i] = byte k of word i, where byte 0 is the most significant one. At least one plane; if there are fewer
/// planes than bytes, the lowest bytes are dropped. Each plane has room for n_words. One pass, no allocation, cannot
/// fail.
void split_planes(WordShape shape, const std::byte* words, std::size_t n_words, std::span<std::byte* const> planes);

/// The inverse. Bytes whose plane is not given become zero.
void join_planes(WordShape shape, std::span<const std::byte* const> planes, std::size_t n_words, std::byte* words);

}  // namespace elves::encode
