#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace elves::encode::blocks {

inline constexpr std::size_t kDigits = 4;

/// The place of some bits of the symbols of a field. Symbol (a, b, c, d) has them at bit first + a * steps[0] + b *
/// steps[1]
/// + c * steps[2] + d * steps[3] of the block; bit 0 is the lowest bit of the first byte.
struct Bits {
  unsigned width = 0;  ///< number of bits, 0 to 8
  unsigned first = 0;
  std::array<unsigned, kDigits> steps{};

  constexpr unsigned position(std::size_t a, std::size_t b, std::size_t c, std::size_t d) const {
    return static_cast<unsigned>(first + a * steps[0] + b * steps[1] + c * steps[2] + d * steps[3]);
  }
};

/// The numbers of one kind in a quantized block: counts[0] * counts[1] * counts[2] * counts[3] of them, the last digit
/// counting fastest. A symbol consists of its `low` bits and, above them, its `high` bits.
/// docs/format/transforms/blocks.md
struct Field {
  std::array<unsigned, kDigits> counts{1, 1, 1, 1};
  Bits low{};
  Bits high{};

  constexpr std::size_t symbols() const { return std::size_t{counts[0]} * counts[1] * counts[2] * counts[3]; }
  constexpr unsigned width() const { return low.width + high.width; }
};

/// n whole bytes.
constexpr Field bytes(unsigned first_byte, unsigned n, unsigned step_bytes = 1) {
  return {.counts = {1, 1, 1, n}, .low = {.width = 8, .first = 8 * first_byte, .steps = {0, 0, 0, 8 * step_bytes}}};
}

/// The nibbles of n bytes: first all lower ones, then all upper ones.
constexpr Field nibbles(unsigned first_byte, unsigned n) {
  return {.counts = {1, 1, 2, n}, .low = {.width = 4, .first = 8 * first_byte, .steps = {0, 0, 4, 8}}};
}

/// n groups of m bytes.
constexpr Field groups(unsigned first_byte, unsigned n, unsigned step_bytes, unsigned m) {
  return {.counts = {1, 1, n, m}, .low = {.width = 8, .first = 8 * first_byte, .steps = {0, 0, 8 * step_bytes, 8}}};
}

/// The upper byte of a float16 rotated left by one bit: exponent and upper mantissa bits.
constexpr Field half_top(unsigned first_byte) {
  return {.low = {.width = 8, .first = 8 * first_byte + 7}};
}

/// The lower byte of the same: the other mantissa bits, then the sign.
constexpr Field half_rest(unsigned first_byte) {
  return {.low = {.width = 1, .first = 8 * first_byte + 15}, .high = {.width = 7, .first = 8 * first_byte}};
}

}  // namespace elves::encode::blocks
