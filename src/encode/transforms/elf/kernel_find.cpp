#include "encode/transforms/elf/kernel.hpp"

#include <bit>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "encode/transforms/elf/kernel_find.cpp"
#include "hwy/foreach_target.h"
// These come after foreach_target.h.
#include "encode/transforms/elf/kernel_grid-inl.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::HWY_NAMESPACE {
namespace {

#if HWY_TARGET != HWY_SCALAR

template <class Word>
std::size_t find_in_vectors(const std::byte* values, std::size_t n, Grid<Word> grid, std::uint32_t* positions,
                            std::size_t& found) {
  const FloatTag<Word> d;
  constexpr std::size_t kValues = hn::MaxLanes(FloatTag<Word>());
  const auto one = hn::Set(d, grid.one);
  const auto end = hn::Set(d, grid.end);
  std::size_t at = 0;
  for (; at + kValues <= n; at += kValues) {
    const auto keep = hn::Lt(hn::Add(hn::Abs(load_values<Word>(values + at * sizeof(Word))), one), end);
    if (hn::AllTrue(d, keep)) continue;
    std::uint8_t bytes[8] = {};
    hn::StoreMaskBits(d, hn::Not(keep), bytes);
    std::uint64_t bits;
    std::memcpy(&bits, bytes, sizeof bits);
    for (; bits != 0; bits &= bits - 1) positions[found++] = static_cast<std::uint32_t>(at + std::countr_zero(bits));
  }
  return at;
}

#endif

template <class Word>
std::size_t find_in_words(const std::byte* values, std::size_t n, unsigned dropped, std::uint32_t* positions) {
  const Grid<Word> grid(dropped);
  std::size_t found = 0;
  std::size_t at = 0;
#if HWY_TARGET != HWY_SCALAR
  at = find_in_vectors<Word>(values, n, grid, positions, found);
#endif
  for (; at < n; ++at) {
    if (!(magnitude<Word>(values + at * sizeof(Word)) + grid.one < grid.end)) {
      positions[found++] = static_cast<std::uint32_t>(at);
    }
  }
  return found;
}

std::size_t find(std::size_t word, const std::byte* values, std::size_t n, unsigned dropped, std::uint32_t* positions) {
  if (word == 2) return find_in_words<std::uint16_t>(values, n, dropped, positions);
  if (word == 4) return find_in_words<std::uint32_t>(values, n, dropped, positions);
  return find_in_words<std::uint64_t>(values, n, dropped, positions);
}

}  // namespace
}  // namespace elves::encode::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elves::encode {

HWY_EXPORT(find);

namespace elf {

template <class Word>
std::size_t find_outliers(const std::byte* values, std::size_t n, unsigned dropped, std::uint32_t* positions) {
  return HWY_DYNAMIC_DISPATCH(encode::find)(sizeof(Word), values, n, dropped, positions);
}

template std::size_t find_outliers<std::uint16_t>(const std::byte*, std::size_t, unsigned, std::uint32_t*);
template std::size_t find_outliers<std::uint32_t>(const std::byte*, std::size_t, unsigned, std::uint32_t*);
template std::size_t find_outliers<std::uint64_t>(const std::byte*, std::size_t, unsigned, std::uint32_t*);

}  // namespace elf
}  // namespace elves::encode
#endif
