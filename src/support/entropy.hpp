#pragma once

#include <array>
#include <bit>
#include <cstdint>

/// Numbers of bits as integers in units of 2^-16 bit, so that estimates are the same on every machine.
namespace elves {

/// How much too small the entropy of a sample is, for each different symbol in it beyond the first: 1 / (2 ln 2) bits
/// (Miller and Madow). Unit: 2^-16 bit.
inline constexpr std::uint32_t kMillerMadow = 47274;

/// log2(1 + i / 256) * 2^16, rounded down, by repeated squaring.
inline constexpr auto kLog2Table = [] {
  std::array<std::uint32_t, 257> table{};
  for (std::uint64_t i = 0; i < 256; ++i) {
    std::uint64_t x = (256 + i) << 23;  // in [1, 2) with 31 bits of fraction
    for (int bit = 15; bit >= 0; --bit) {
      x = x * x >> 31;
      if (x >> 32) {
        table[i] |= 1u << bit;
        x >>= 1;
      }
    }
  }
  table[256] = 1u << 16;
  return table;
}();

/// log2(value) * 2^16 for value >= 1: exact, rounded down, up to 512; interpolated above.
constexpr std::uint32_t log2_fixed(std::uint32_t value) {
  const auto whole = static_cast<std::uint32_t>(std::bit_width(value)) - 1;
  const std::uint32_t fraction = value << (31 - whole) & 0x7FFFFFFF;
  const std::uint32_t at = fraction >> 23;
  const std::uint64_t between = fraction & 0x7FFFFF;
  return (whole << 16) + kLog2Table[at] +
         static_cast<std::uint32_t>((kLog2Table[at + 1] - kLog2Table[at]) * between >> 23);
}

}  // namespace elves
