#include "encode/entropy.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "encode/kernels/histogram.hpp"

namespace elves::encode {
namespace {

// log2(1 + i / 256) * 65536, by repeated squaring.
constexpr std::array<std::uint32_t, 257> make_log2() {
  std::array<std::uint32_t, 257> table{};
  for (std::uint64_t i = 0; i < 256; ++i) {
    std::uint64_t x = (256 + i) << 23;  // in [1, 2) with 31 fraction bits
    for (int bit = 15; bit >= 0; --bit) {
      x = x * x >> 31;
      if (x >> 32) {
        table[i] |= 1u << bit;
        x >>= 1;
      }
    }
  }
  table[256] = 65536;
  return table;
}

constexpr auto kLog2 = make_log2();

}  // namespace

std::uint32_t log2_fixed(std::uint32_t value) {
  const auto whole = static_cast<std::uint32_t>(std::bit_width(value)) - 1;
  const std::uint32_t fraction = value << (31 - whole) & 0x7FFFFFFF;  // 31 bits
  const std::uint32_t at = fraction >> 23;
  const std::uint64_t between = fraction & 0x7FFFFF;
  return (whole << 16) + kLog2[at] + static_cast<std::uint32_t>((kLog2[at + 1] - kLog2[at]) * between >> 23);
}

std::uint64_t entropy_bits(const Histogram& counts) {
  std::uint64_t n = 0;
  std::uint64_t logs = 0;  // of counts, times counts; times 65536
  std::uint64_t used = 0;
  for (const std::uint32_t count : counts) {
    if (count == 0) continue;
    n += count;
    logs += count * std::uint64_t{log2_fixed(count)};
    ++used;
  }
  if (n == 0) return 0;
  const std::uint64_t bits = n * log2_fixed(static_cast<std::uint32_t>(n)) - logs;
  return (bits + (used - 1) * 47274) >> 16;  // Miller and Madow: (used - 1) / (2 ln 2) bits
}

}  // namespace elves::encode
