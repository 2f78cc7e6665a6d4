#include "encode/transforms/elf/kernel.hpp"

#include <cstring>
#include <type_traits>

#include "encode/simd.hpp"

namespace elves::encode::elf {
namespace {

// Adding `one` (2^k, whose unit in the last place is the unit of the symbols) rounds |p| to nearest even, and leaves
// the symbol's mantissa in the low bits of the sum.
template <class Word>
struct Grid {
  using F = FloatOf<Word>;
  using Float = typename F::Float;
  using Bits = typename F::Bits;

  explicit Grid(unsigned dropped) {
    const Bits exponent = F::kFloatMantissa - F::kMantissa + dropped;
    const Bits bias = (Bits{1} << (8 * sizeof(Bits) - 2 - F::kFloatMantissa)) - 1;
    one_bits = (bias + exponent) << F::kFloatMantissa;
    one = std::bit_cast<Float>(one_bits);
    limit = Bits{1} << (F::kMantissa - dropped);
    shift = 8 * sizeof(Word) - symbol_bits<Word>(dropped);
  }

  Bits one_bits;
  Float one;
  Bits limit;      // mantissas from here on are outliers
  unsigned shift;  // symbols are aligned to the top of the word
};

// The bit pattern of 1.0.
template <class Word>
constexpr Word kOneBits = static_cast<Word>(((Word{1} << (8 * sizeof(Word) - 2 - FloatOf<Word>::kMantissa)) - 1)
                                            << FloatOf<Word>::kMantissa);

template <class Word>
ELVES_ALWAYS_INLINE typename FloatOf<Word>::Float widen(Word magnitude) {
  using F = FloatOf<Word>;
  if constexpr (sizeof(Word) == 2) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(magnitude) << 13) * 0x1p112f;  // exact; NaN becomes large
  } else {
    return std::bit_cast<typename F::Float>(magnitude);
  }
}

template <class Word>
ELVES_ALWAYS_INLINE Word narrow(typename FloatOf<Word>::Float value) {
  const auto bits = std::bit_cast<typename FloatOf<Word>::Bits>(value);
  if constexpr (sizeof(Word) == 2) {
    return static_cast<Word>(bits == 0 ? 0 : (bits >> 13) - (112u << 10));  // a normal half or zero, by construction
  } else {
    return bits;
  }
}

template <class Word>
struct ToSymbols {
  using F = FloatOf<Word>;
  using Float = typename F::Float;
  using Bits = typename F::Bits;
  using Signed = std::make_signed_t<Bits>;

  ELVES_ALWAYS_INLINE static void run(const std::byte* __restrict values, std::size_t n, Grid<Word> grid,
                                      Word* __restrict symbols, Float* __restrict magnitudes, Float* __restrict errors,
                                      BlockStats* stats) {
    constexpr Word kSign = static_cast<Word>(Word{1} << (8 * sizeof(Word) - 1));
    constexpr auto kOne = static_cast<Signed>(kOneBits<Word>);
    Signed max_error = 0;
    Bits n_outliers = 0;
    Bits changed = 0;
    for (std::size_t i = 0; i < n; ++i) {
      Word value;
      std::memcpy(&value, values + i * sizeof(Word), sizeof(Word));
      const Word magnitude = static_cast<Word>(value & static_cast<Word>(~kSign));
      const Float p = widen(magnitude);
      const Float q = p + grid.one;
      const Bits m = std::bit_cast<Bits>(q) - grid.one_bits;
      const bool outlier =
          (static_cast<Signed>(magnitude) >= kOne) | (static_cast<Signed>(m) >= static_cast<Signed>(grid.limit));
      const Bits keep = outlier ? Bits{0} : ~Bits{0};
      const Float r = q - grid.one;
      const Bits error = std::bit_cast<Bits>(p - r) & keep & (~Bits{0} >> 1);
      symbols[i] =
          static_cast<Word>(((m << 1 | static_cast<Bits>(value >> (8 * sizeof(Word) - 1))) << grid.shift) & keep);
      magnitudes[i] = std::bit_cast<Float>(std::bit_cast<Bits>(p) & keep);
      errors[i] = std::bit_cast<Float>(error);
      max_error = static_cast<Signed>(error) > max_error ? static_cast<Signed>(error) : max_error;
      changed |= (std::bit_cast<Bits>(p) ^ std::bit_cast<Bits>(r)) & keep;
      n_outliers += outlier ? Bits{1} : Bits{0};
    }
    stats->n_outliers = static_cast<std::size_t>(n_outliers);
    stats->exact = changed == 0;
    stats->max_abs_error = static_cast<double>(std::bit_cast<Float>(max_error));
  }
};

template <class Word>
struct FromSymbols {
  ELVES_ALWAYS_INLINE static void run(const Word* __restrict symbols, std::size_t n, Grid<Word> grid,
                                      std::byte* __restrict values) {
    using Bits = typename FloatOf<Word>::Bits;
    for (std::size_t i = 0; i < n; ++i) {
      const Word symbol = static_cast<Word>(symbols[i] >> grid.shift);
      const auto q = std::bit_cast<typename FloatOf<Word>::Float>(grid.one_bits | static_cast<Bits>(symbol >> 1));
      const Word sign = static_cast<Word>(symbol << (8 * sizeof(Word) - 1));
      const Word value = static_cast<Word>(narrow<Word>(q - grid.one) | sign);
      std::memcpy(values + i * sizeof(Word), &value, sizeof(Word));
    }
  }
};

// Two vectors of 32 bytes: lanes that the compiler may not reorder. `x` is padded with zeros to kBlock.
template <class Float>
struct SumSquares {
  static constexpr std::size_t kLanes = 32 / sizeof(Float);
  using Vector __attribute__((vector_size(32))) = Float;

  ELVES_ALWAYS_INLINE static void run(const Float* __restrict x, std::size_t n, double* sum) {
    Vector a{};
    Vector b{};
    for (std::size_t i = 0; i < n; i += 2 * kLanes) {
      Vector u;
      Vector v;
      std::memcpy(&u, x + i, sizeof u);
      std::memcpy(&v, x + i + kLanes, sizeof v);
      a += u * u;
      b += v * v;
    }
    *sum = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      *sum += static_cast<double>(a[lane]) + static_cast<double>(b[lane]);
  }
};

template <class Float>
double sum_squares(Float* x, std::size_t n) {
  constexpr std::size_t kStep = 2 * SumSquares<Float>::kLanes;
  const std::size_t padded = (n + kStep - 1) / kStep * kStep;
  std::fill(x + n, x + padded, Float{0});
  double sum = 0;
  run_kernel<SumSquares<Float>>(static_cast<const Float*>(x), padded, &sum);
  return sum;
}

}  // namespace

template <class Word>
BlockStats to_symbols(const std::byte* values, std::size_t n, unsigned dropped, Word* symbols) {
  using Float = typename FloatOf<Word>::Float;
  alignas(64) Float magnitudes[kBlock];
  alignas(64) Float errors[kBlock];
  BlockStats stats;
  run_kernel<ToSymbols<Word>>(values, n, Grid<Word>(dropped), symbols, magnitudes, errors, &stats);
  stats.signal = sum_squares(magnitudes, n);
  stats.noise = stats.exact ? 0 : sum_squares(errors, n);
  return stats;
}

template <class Word>
void from_symbols(const Word* symbols, std::size_t n, unsigned dropped, std::byte* values) {
  run_kernel<FromSymbols<Word>>(symbols, n, Grid<Word>(dropped), values);
}

template <class Word>
std::size_t find_outliers(const std::byte* values, std::size_t n, unsigned dropped, std::uint32_t* positions) {
  using Bits = typename FloatOf<Word>::Bits;
  const Grid<Word> grid(dropped);
  std::size_t found = 0;
  for (std::size_t i = 0; i < n; ++i) {
    Word value;
    std::memcpy(&value, values + i * sizeof(Word), sizeof(Word));
    const auto magnitude = static_cast<Word>(value & ~(Word{1} << (8 * sizeof(Word) - 1)));
    const bool large = magnitude >= kOneBits<Word>;
    const bool rounds_up = std::bit_cast<Bits>(widen(magnitude) + grid.one) - grid.one_bits >= grid.limit;
    positions[found] = static_cast<std::uint32_t>(i);
    found += large || rounds_up ? 1 : 0;
  }
  return found;
}

#define ELVES_INSTANTIATE(Word)                                                         \
  template BlockStats to_symbols<Word>(const std::byte*, std::size_t, unsigned, Word*); \
  template void from_symbols<Word>(const Word*, std::size_t, unsigned, std::byte*);     \
  template std::size_t find_outliers<Word>(const std::byte*, std::size_t, unsigned, std::uint32_t*)

ELVES_INSTANTIATE(std::uint16_t);
ELVES_INSTANTIATE(std::uint32_t);
ELVES_INSTANTIATE(std::uint64_t);

}  // namespace elves::encode::elf
