#include "encode/entropy.hpp"

#include "support/entropy.hpp"

namespace elves::encode {

std::uint64_t entropy_bits(const Histogram& counts) {
  std::uint64_t n = 0;
  std::uint64_t logs = 0;  // sum of count * log2(count), times 65536
  std::uint64_t used = 0;
  for (const std::uint32_t count : counts) {
    if (count == 0) continue;
    n += count;
    logs += count * std::uint64_t{log2_fixed(count)};
    ++used;
  }
  if (n == 0) return 0;
  const std::uint64_t bits = n * log2_fixed(static_cast<std::uint32_t>(n)) - logs;
  return (bits + (used - 1) * kMillerMadow) >> 16;
}

}  // namespace elves::encode
