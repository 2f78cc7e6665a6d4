#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace elves::encode::elf {

/// The arithmetic of a float type whose bit pattern is `Word`. `Float` is where p + 1 is computed: p's own type, and
/// float for half precision (whose bits it holds exactly).
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

/// Bits of a symbol: sign and the mantissa bits that are kept.
template <class Word>
constexpr unsigned symbol_bits(unsigned dropped) {
  return 1 + FloatOf<Word>::kMantissa - dropped;
}

/// Planes of one byte that a symbol fills.
template <class Word>
constexpr std::size_t symbol_planes(unsigned dropped) {
  return (symbol_bits<Word>(dropped) + 7) / 8;
}

inline constexpr std::size_t kBlock =
    1024;  // elements whose outliers are counted, and whose squares are summed, at once

/// What became of the values. Squares are summed within blocks in a fixed number of lanes, and blocks in double, so
/// that the sums are the same on every CPU.
struct SplitStats {
  std::size_t n_outliers = 0;
  bool exact = true;
  double max_abs_error = 0;
  double signal = 0;
  double noise = 0;
};

/// Writes the planes of the symbols (m << 1 | sign) << (8 * n_planes - symbol bits), where m = |p| in units of
/// 2^-(mantissa - dropped), rounded to nearest even: the mantissa of |p| + 1 where nothing is dropped. 0 for outliers:
/// |p| >= 1, NaN, infinity, or |p| that rounds to 1. `planes`: symbol_planes(dropped), each with room for n.
/// `block_outliers`: how many outliers there are in each block of kBlock. dropped < mantissa. One pass, no allocation.
template <class Word>
SplitStats split_values(const std::byte* values, std::size_t n, unsigned dropped, std::span<std::byte* const> planes,
                        std::uint16_t* block_outliers);

/// The inverse: values of n symbols. Any bytes are symbols.
template <class Word>
void join_values(std::span<const std::byte* const> planes, std::size_t n, unsigned dropped, std::byte* values);

/// Positions of the outliers of a block, in order. Returns how many; `positions` has room for `n` <= kBlock.
template <class Word>
std::size_t find_outliers(const std::byte* values, std::size_t n, unsigned dropped, std::uint32_t* positions);

}  // namespace elves::encode::elf
