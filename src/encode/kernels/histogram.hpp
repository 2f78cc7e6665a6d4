#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace elves::encode {

using Histogram = std::array<std::uint32_t, 256>;

/// How often each byte value occurs. Fewer than 2^32 bytes. About one cycle per byte for any distribution.
Histogram histogram(std::span<const std::byte> bytes);

}  // namespace elves::encode
