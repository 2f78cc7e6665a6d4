#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "elves/error.hpp"
#include "encode/rans/table.hpp"
#include "encode/scratch.hpp"
#include "support/byte_cursor.hpp"

/// An order-0 coder near the entropy of its bytes and near the speed of memory. docs/format/transforms/rans.md
namespace elves::encode::rans {

/// What a segment takes beside the coded bytes and a byte for each value that occurs.
inline constexpr std::size_t kLeastOverhead = 140;

/// Appends the coded form of `bytes` (not empty): one or more segments, a new one where the bytes change their
/// distribution so much that a table of its own pays. Tables are made from samples of large streams. False, and nothing
/// appended, where it would take `most_bytes` or more. Takes about twice the bytes from `scratch`.
bool encode(std::span<const std::byte> bytes, std::size_t most_bytes, Scratch& scratch, std::vector<std::byte>& to);

/// Fills `out` from all of `coded`. Input is hostile: an Error where anything does not fit.
Result<void> decode(std::span<const std::byte> coded, Scratch& scratch, std::span<std::byte> out);

}  // namespace elves::encode::rans
