#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace elves::encode {

/// log2(value) * 65536, rounded down, for value >= 1. Integer arithmetic only: equal on every machine.
std::uint32_t log2_fixed(std::uint32_t value);

/// Bytes that an order-0 Huffman coder needs for `bytes` (at most 1 MiB), without its table: from the entropy of the
/// histogram, corrected for its sampling bias, and at least one bit a byte.
std::size_t huffman_bytes(std::span<const std::byte> bytes);

}  // namespace elves::encode
