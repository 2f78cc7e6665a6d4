#pragma once

#include "encode/transform.hpp"
#include "encode/transforms/planes/kernel.hpp"

/// Byte planes for transforms that code words of their own: `planes` itself, de, int-delta, palette, delta.
namespace elves::encode::planes {

/// The words of a dtype; complex numbers are pairs of floats. One byte for dtypes without planes.
WordShape shape_of(DType dtype);

/// Appends one stream for each byte of a word, the most significant byte first. Memory comes from `scratch`.
void split_words(WordShape shape, std::span<const std::byte> words, Scratch& scratch, Split& to);

/// The inverse: reads as many streams as a word has bytes and fills `words`. Error: a stream of the wrong size.
Result<void> join_words(WordShape shape, StreamSource& streams, std::span<std::byte> words);

}  // namespace elves::encode::planes
