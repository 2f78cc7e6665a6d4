#include "encode/transforms/elf/kernel.hpp"

#include <bit>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "encode/transforms/elf/kernel_join.cpp"
#include "hwy/foreach_target.h"
// These come after foreach_target.h.
#include "encode/kernels/byte_transpose-inl.hpp"
#include "encode/transforms/elf/kernel_grid-inl.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::HWY_NAMESPACE {
namespace {

// The bits of a half, shifted to the exponent and mantissa of a float, are the value of the half times 2^-112.
constexpr unsigned kHalfScale = 127 - 15;

#if HWY_TARGET != HWY_SCALAR

// The value of the symbol at the top of each lane. A half is at the top of its lane, too; the bits below its symbol are
// shifted out.
template <class Word, class V>
HWY_INLINE V values_of(V symbols, Grid<Word> grid) {
  using Bits = typename FloatOf<Word>::Bits;
  constexpr int kBits = 8 * sizeof(Bits);
  const FloatTag<Word> d;
  const hn::RebindToUnsigned<FloatTag<Word>> du;
  const auto one = hn::Set(d, grid.one);
  const auto q = hn::Or(hn::ShiftRightSame(symbols, grid.shift + 1), hn::BitCast(du, one));
  auto value = hn::BitCast(du, hn::Sub(hn::BitCast(d, q), one));
  if constexpr (sizeof(Word) == 2) value = hn::ShiftLeft<3>(value);
  const auto sign = hn::ShiftLeftSame(symbols, kBits - 1 - grid.shift);
  return hn::OrAnd(value, sign, hn::Set(du, Bits{1} << (kBits - 1)));
}

template <class Word>
std::size_t join_vectors(PlanesIn<sizeof(Word)> planes, std::size_t n, Grid<Word> grid, std::byte* values) {
  const hn::ScalableTag<typename FloatOf<Word>::Bits> du;
  std::size_t at = 0;
  for (; at + kVectorBytes <= n; at += kVectorBytes) {
    ByteVector symbols[sizeof(Word)];
    load_planes<sizeof(Word)>(planes, at, symbols);
    for (std::size_t j = 0; j < sizeof(Word); ++j) {
      const auto lanes = hn::BitCast(du, symbols[j]);
      auto joined = values_of(lanes, grid);
      if constexpr (sizeof(Word) == 2) {
        joined = hn::Or(joined, hn::ShiftRight<16>(values_of(hn::ShiftLeft<16>(lanes), grid)));
      }
      store_bytes(hn::BitCast(Bytes(), joined), values + at * sizeof(Word) + j * kVectorBytes);
    }
  }
  return at;
}

#endif

template <class Word>
void join_words(std::span<const std::byte* const> planes, std::size_t n, unsigned dropped, std::byte* values) {
  using Bits = typename FloatOf<Word>::Bits;
  const Grid<Word> grid(dropped, sizeof(Word) == 2 ? kHalfScale : 0);
  std::size_t at = 0;
#if HWY_TARGET != HWY_SCALAR
  at = join_vectors<Word>(PlanesIn<sizeof(Word)>(planes), n, grid, values);
#endif
  for (; at < n; ++at) {
    Bits symbol = 0;
    for (std::size_t k = 0; k < planes.size(); ++k) {
      symbol |= static_cast<Bits>(planes[k][at]) << (8 * (sizeof(Bits) - 1 - k));
    }
    const auto q =
        std::bit_cast<typename FloatOf<Word>::Float>(symbol >> (grid.shift + 1) | std::bit_cast<Bits>(grid.one));
    const auto magnitude = std::bit_cast<Bits>(q - grid.one) >> (sizeof(Word) == 2 ? 13 : 0);
    const auto sign = static_cast<Word>(symbol >> grid.shift << (8 * sizeof(Word) - 1));
    const auto value = static_cast<Word>(magnitude | sign);
    std::memcpy(values + at * sizeof(Word), &value, sizeof(Word));
  }
}

void join(std::size_t word, std::span<const std::byte* const> planes, std::size_t n, unsigned dropped,
          std::byte* values) {
  if (word == 2) return join_words<std::uint16_t>(planes, n, dropped, values);
  if (word == 4) return join_words<std::uint32_t>(planes, n, dropped, values);
  join_words<std::uint64_t>(planes, n, dropped, values);
}

}  // namespace
}  // namespace elves::encode::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elves::encode {

HWY_EXPORT(join);

namespace elf {

template <class Word>
void join_values(std::span<const std::byte* const> planes, std::size_t n, unsigned dropped, std::byte* values) {
  HWY_DYNAMIC_DISPATCH(encode::join)(sizeof(Word), planes, n, dropped, values);
}

template void join_values<std::uint16_t>(std::span<const std::byte* const>, std::size_t, unsigned, std::byte*);
template void join_values<std::uint32_t>(std::span<const std::byte* const>, std::size_t, unsigned, std::byte*);
template void join_values<std::uint64_t>(std::span<const std::byte* const>, std::size_t, unsigned, std::byte*);

}  // namespace elf
}  // namespace elves::encode
#endif
