#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace elves::encode::elf {

/// The arithmetic of a float type whose bit pattern is `Word`. `Float` is the type in which |p| + 1 is computed: the
/// type of p, but float for half precision, whose values it represents exactly.
template <class Word>
struct FloatOf;

template <>
struct FloatOf<std::uint16_t> {
  using Float = float;
  using Bits = std::uint32_t;
  static constexpr unsigned kMantissa = 10;
  static constexpr unsigned kFloatMantissa = 23;
};

template <>
struct FloatOf<std::uint32_t> {
  using Float = float;
  using Bits = std::uint32_t;
  static constexpr unsigned kMantissa = 23;
  static constexpr unsigned kFloatMantissa = 23;
};

template <>
struct FloatOf<std::uint64_t> {
  using Float = double;
  using Bits = std::uint64_t;
  static constexpr unsigned kMantissa = 52;
  static constexpr unsigned kFloatMantissa = 52;
};

/// Width of a symbol: the sign and the mantissa bits that are kept.
template <class Word>
constexpr unsigned symbol_bits(unsigned dropped) {
  return 1 + FloatOf<Word>::kMantissa - dropped;
}

/// Number of byte planes of the symbols.
template <class Word>
constexpr std::size_t symbol_planes(unsigned dropped) {
  return (symbol_bits<Word>(dropped) + 7) / 8;
}

/// Number of elements whose outliers are counted, and whose squares are summed, together.
inline constexpr std::size_t kBlock = 1024;

/// What split_values() measured. Squares are summed in a fixed number of lanes within a block, and the sums of blocks
/// in double: the results are the same on every CPU.
struct SplitStats {
  std::size_t n_outliers = 0;
  bool exact = true;
  double max_abs_error = 0;
  double signal = 0;
  double noise = 0;
};

/// Writes the planes of the symbols (m << 1 | sign) << (8 * n_planes - symbol bits). m is |p| in units of
/// 2^-(mantissa - dropped), rounded to nearest even; if nothing is dropped, m is the mantissa of |p| + 1. The symbol of
/// an outlier (|p| >= 1, NaN, infinity, or |p| that rounds to 1) is 0. `planes`: symbol_planes(dropped) planes with
/// room for n bytes each. `block_outliers`: receives the number of outliers of each block of kBlock elements. dropped <
/// mantissa. One pass, no allocation, cannot fail.
template <class Word>
SplitStats split_values(const std::byte* values, std::size_t n, unsigned dropped, std::span<std::byte* const> planes,
                        std::uint16_t* block_outliers);

/// The inverse: the values of n symbols. Any bytes are valid symbols.
template <class Word>
void join_values(std::span<const std::byte* const> planes, std::size_t n, unsigned dropped, std::byte* values);

/// Writes the positions of the outliers of a block, in order, and returns their number. `positions` has room for
/// n <= kBlock.
template <class Word>
std::size_t find_outliers(const std::byte* values, std::size_t n, unsigned dropped, std::uint32_t* positions);

}  // namespace elves::encode::elf
