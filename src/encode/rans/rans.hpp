#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "elves/error.hpp"
#include "encode/rans/table.hpp"
#include "encode/scratch.hpp"
#include "support/byte_cursor.hpp"

/// An order-0 entropy coder with vector kernels. docs/format/transforms/rans.md
namespace elves::encode::rans {

/// Bytes of a segment besides the coded bytes and one byte for each value that occurs.
inline constexpr std::size_t kLeastOverhead = 140;

/// Appends the coded form of `bytes` (not empty): one or more segments. A new segment begins if the distribution of the
/// bytes changes so much that a table of its own pays. The tables of large streams are made from samples. False, and
/// nothing is appended, if the result would have `most_bytes` or more. Takes about twice the size of `bytes` from
/// `scratch`.
bool encode(std::span<const std::byte> bytes, std::size_t most_bytes, Scratch& scratch, std::vector<std::byte>& to);

/// Fills `out` from all of `coded`. The input may be hostile: an Error if anything does not fit.
Result<void> decode(std::span<const std::byte> coded, Scratch& scratch, std::span<std::byte> out);

}  // namespace elves::encode::rans
