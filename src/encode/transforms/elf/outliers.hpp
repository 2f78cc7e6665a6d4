#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "encode/transform.hpp"

namespace elves::encode::elf {

/// Appends two streams: the positions of the outliers, each as a varint of its distance from the position after the
/// previous outlier, and their exact values. No streams if there are no outliers. `block_outliers`: the number of
/// outliers of each block of kBlock elements.
template <class Word>
void split_outliers(std::span<const std::byte> values, std::span<const std::uint16_t> block_outliers, unsigned dropped,
                    Scratch& scratch, Split& to);

/// Reads these streams and writes the values to their positions in `out`. Errors: positions out of range, more outliers
/// than elements, streams of the wrong size.
Result<void> join_outliers(StreamSource& streams, std::uint64_t n_outliers, std::size_t word_bytes,
                           std::span<std::byte> out);

}  // namespace elves::encode::elf
