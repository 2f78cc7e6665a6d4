#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace elves::encode {

using Histogram = std::array<std::uint32_t, 256>;

/// How often each byte value occurs. Fewer than 2^32 bytes; about a cycle a byte, whatever their distribution.
Histogram histogram(std::span<const std::byte> bytes);

}  // namespace elves::encode
