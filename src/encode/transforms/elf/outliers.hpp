#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "encode/transform.hpp"

namespace elves::encode::elf {

/// Appends two streams: the positions of the outliers (each as varint, less the position after the one before) and
/// their values, exactly. No stream where there are none. `block_outliers`: how many each block of kBlock elements has.
template <class Word>
void split_outliers(std::span<const std::byte> values, std::span<const std::uint16_t> block_outliers, unsigned dropped,
                    Scratch& scratch, Split& to);

/// Reads them back and writes the values over `out`. Errors: positions out of range, more outliers than elements.
Result<void> join_outliers(StreamSource& streams, std::uint64_t n_outliers, std::size_t word_bytes,
                           std::span<std::byte> out);

}  // namespace elves::encode::elf
