#pragma once

#include <cstddef>
#include <span>

namespace elves::encode {

/// Words of 1, 2, 4 or 8 bytes (little endian), and whether they are rotated left by one bit first, which moves the
/// sign of a float to the lowest bit and its exponent to the top.
struct WordShape {
  unsigned n_bytes = 1;
  bool rotate = false;
};

/// planes[k][i] = byte k of word i, counted from the most significant one. Fewer planes than bytes, but at least one:
/// the lowest bytes are dropped. Each plane has room for n_words. Reads the words once; no allocation, cannot fail.
void split_planes(WordShape shape, const std::byte* words, std::size_t n_words, std::span<std::byte* const> planes);

/// The inverse; bytes of planes that are not given are zero.
void join_planes(WordShape shape, std::span<const std::byte* const> planes, std::size_t n_words, std::byte* words);

}  // namespace elves::encode
