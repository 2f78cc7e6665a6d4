// The arithmetic that the ELF kernels share. Included once for each target of Highway.
#if defined(ELVES_ELF_KERNEL_GRID_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ELVES_ELF_KERNEL_GRID_INL
#undef ELVES_ELF_KERNEL_GRID_INL
#else
#define ELVES_ELF_KERNEL_GRID_INL
#endif

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "encode/transforms/elf/kernel.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using elf::FloatOf;

// `one` is the power of two whose unit in the last place is the unit of the symbols. Adding it rounds |p| to nearest
// even, and the low bits of the sum are the mantissa of the symbol. The sum is below `end` if p is no outlier. Symbols
// are kept at the top of the word in which the sum is computed.
template <class Word>
struct Grid {
  using F = FloatOf<Word>;
  using Float = typename F::Float;
  using Bits = typename F::Bits;
  static constexpr unsigned kBits = 8 * sizeof(Bits);

  explicit Grid(unsigned dropped, unsigned scale = 0) {
    constexpr unsigned kBias = (1u << (kBits - 2 - F::kFloatMantissa)) - 1;
    const unsigned exponent = F::kFloatMantissa - F::kMantissa + dropped;
    one = std::bit_cast<Float>(static_cast<Bits>(kBias + exponent - scale) << F::kFloatMantissa);
    end = one + 1;
    shift = static_cast<int>(kBits - elf::symbol_bits<Word>(dropped));
  }

  Float one;
  Float end;
  int shift;
};

template <class Word>
typename FloatOf<Word>::Float magnitude(const std::byte* value) {
  Word word;
  std::memcpy(&word, value, sizeof(Word));
  word = static_cast<Word>(word & ~(Word{1} << (8 * sizeof(Word) - 1)));
  if constexpr (sizeof(Word) == 2)
    return std::bit_cast<float>(static_cast<std::uint32_t>(word) << 13) * 0x1p112f;
  else
    return std::bit_cast<typename FloatOf<Word>::Float>(word);
}

#if HWY_TARGET != HWY_SCALAR

template <class Word>
using FloatTag = hn::ScalableTag<typename FloatOf<Word>::Float>;

template <class Word>
HWY_INLINE hn::Vec<FloatTag<Word>> load_values(const std::byte* values) {
  const FloatTag<Word> d;
  if constexpr (sizeof(Word) == 2) {
    const hn::Rebind<hwy::float16_t, FloatTag<Word>> d16;
    return hn::PromoteTo(d, hn::LoadU(d16, reinterpret_cast<const hwy::float16_t*>(values)));
  } else {
    return hn::LoadU(d, reinterpret_cast<const typename FloatOf<Word>::Float*>(values));
  }
}

#endif

}  // namespace
}  // namespace elves::encode::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
