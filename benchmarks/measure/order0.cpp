#include "measure/order0.hpp"

#include <array>
#include <cmath>
#include <cstdint>

namespace elves::measure {

double order0_bytes(std::span<const std::byte> bytes) {
  std::array<std::array<std::uint64_t, 256>, 4> parts{};  // so that equal neighbours do not wait for each other
  for (std::size_t i = 0; i < bytes.size(); ++i) ++parts[i % 4][static_cast<std::uint8_t>(bytes[i])];
  const auto n = static_cast<double>(bytes.size());
  double bits = 0;
  for (std::size_t value = 0; value < 256; ++value) {
    const auto count = static_cast<double>(parts[0][value] + parts[1][value] + parts[2][value] + parts[3][value]);
    if (count > 0) bits += count * std::log2(n / count);
  }
  return bits / 8;
}

double order0_bytes(const encode::Split& split) {
  double bytes = 0;
  for (const auto& stream : split.streams) bytes += order0_bytes(stream.bytes);
  return bytes;
}

}  // namespace elves::measure
