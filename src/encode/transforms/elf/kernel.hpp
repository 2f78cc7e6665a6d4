#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

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

inline constexpr std::size_t kBlock = 1024;  // elements that the kernels are given at once, at most

/// What became of a block. Sums run in fixed lanes, so that they are the same on every CPU.
struct BlockStats {
  std::size_t n_outliers = 0;
  bool exact = true;
  double max_abs_error = 0;
  double signal = 0;
  double noise = 0;
};

/// symbols[i] = (m << 1 | sign) << (word bits - symbol bits), where m = |p| in units of 2^-(mantissa - dropped),
/// rounded to nearest even: the mantissa of |p| + 1 where nothing is dropped. 0 for outliers. `n` <= kBlock; dropped <
/// mantissa.
template <class Word>
BlockStats to_symbols(const std::byte* values, std::size_t n, unsigned dropped, Word* symbols);

/// The inverse: values of n symbols.
template <class Word>
void from_symbols(const Word* symbols, std::size_t n, unsigned dropped, std::byte* values);

/// Positions of the values that have no symbol: |p| >= 1, NaN, infinity, or |p| that rounds to 1. Returns how many;
/// `positions` has room for `n` <= kBlock.
template <class Word>
std::size_t find_outliers(const std::byte* values, std::size_t n, unsigned dropped, std::uint32_t* positions);

/// Bits of a symbol: sign and the mantissa bits that are kept.
template <class Word>
constexpr unsigned symbol_bits(unsigned dropped) {
  return 1 + FloatOf<Word>::kMantissa - dropped;
}

}  // namespace elves::encode::elf
