#include "encode/kernels/histogram.hpp"

#include <algorithm>
#include <cstring>

namespace elves::encode {
namespace {

// One table for each byte of a 64-bit word, so that counting equal neighbours does not wait for the previous store.
// Counters of 16 bits keep the tables small. Vectors would not help: one store per byte is the limit.
constexpr std::size_t kTables = 8;
constexpr std::size_t kMostWords = 65535;

void add(const std::byte* bytes, std::size_t n_words, Histogram& to) {
  std::uint16_t tables[kTables][256] = {};
  for (std::size_t i = 0; i < n_words; ++i) {
    std::uint64_t word;
    std::memcpy(&word, bytes + i * kTables, kTables);
    for (std::size_t k = 0; k < kTables; ++k) ++tables[k][word >> (8 * k) & 255];
  }
  for (const auto& table : tables) {
    for (std::size_t value = 0; value < 256; ++value) to[value] += table[value];
  }
}

}  // namespace

Histogram histogram(std::span<const std::byte> bytes) {
  Histogram counts{};
  while (bytes.size() >= kTables) {
    const auto n_words = std::min(bytes.size() / kTables, kMostWords);
    add(bytes.data(), n_words, counts);
    bytes = bytes.subspan(n_words * kTables);
  }
  for (const auto byte : bytes) ++counts[static_cast<std::uint8_t>(byte)];
  return counts;
}

}  // namespace elves::encode
