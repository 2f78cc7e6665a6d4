#include "encode/transforms/elf/kernel.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "encode/transforms/elf/kernel.cpp"
#include "hwy/foreach_target.h"
// These come after foreach_target.h.
#include "encode/kernels/byte_transpose-inl.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::HWY_NAMESPACE {
namespace {

using elf::FloatOf;
using elf::kBlock;

// Adding `one` (2^k, whose unit in the last place is the unit of the symbols) rounds |p| to nearest even, and leaves
// the symbol's mantissa in the low bits of the sum, which is below `end` if the symbol can hold it. Symbols stand at
// the top of the word that the sum is computed in.
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

// A half's bits, moved to where a float has its exponent, are the half's value times 2^-112.
constexpr unsigned kHalfScale = 127 - 15;

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

// Element i of a block adds to lane i % kLanes.
template <class Word>
struct BlockSums {
  using Float = typename FloatOf<Word>::Float;
  static constexpr std::size_t kLanes = 64 / sizeof(Float);

  static double sum(const Float (&lanes)[kLanes]) {
    double sum = 0;
    for (std::size_t i = 0; i < kLanes / 2; ++i) {
      sum += static_cast<double>(lanes[i]) + static_cast<double>(lanes[i + kLanes / 2]);
    }
    return sum;
  }

  alignas(64) Float signal[kLanes] = {};
  alignas(64) Float noise[kLanes] = {};
  Float max_error = 0;
  std::size_t n_outliers = 0;
};

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

template <class Word>
class BlockSplitter {
 public:
  explicit BlockSplitter(const Grid<Word>& grid)
      : one_(hn::Set(D(), grid.one)), end_(hn::Set(D(), grid.end)), shift_(grid.shift) {
    for (std::size_t i = 0; i < kSums; ++i) signal_[i] = noise_[i] = hn::Zero(D());
    max_error_ = hn::Zero(D());
  }

  /// The symbols of as many values as a vector holds, which are vector `j` of a step.
  HWY_INLINE ByteVector symbols(const std::byte* values, std::size_t j) {
    const auto value = load_values<Word>(values);
    const auto p = hn::Abs(value);
    const auto q = hn::Add(p, one_);
    const auto keep = hn::Lt(q, end_);
    const auto error = hn::IfThenElseZero(keep, hn::Sub(p, hn::Sub(q, one_)));
    signal_[j % kSums] = hn::Add(signal_[j % kSums], hn::IfThenElseZero(keep, hn::Mul(p, p)));
    noise_[j % kSums] = hn::Add(noise_[j % kSums], hn::Mul(error, error));
    max_error_ = larger_magnitude(max_error_, error);
    n_kept_ += hn::CountTrue(D(), keep);
    const DU du;
    const auto symbol = symbol_of(hn::BitCast(du, q), hn::BitCast(du, value));
    return hn::BitCast(Bytes(), hn::IfThenElseZero(hn::RebindMask(du, keep), symbol));
  }

  void add_to(BlockSums<Word>& sums, std::size_t n) const {
    for (std::size_t i = 0; i < kSums; ++i) {
      hn::Store(signal_[i], D(), sums.signal + i * hn::MaxLanes(D()));
      hn::Store(noise_[i], D(), sums.noise + i * hn::MaxLanes(D()));
    }
    sums.max_error = hn::GetLane(hn::MaxOfLanes(D(), max_error_));
    sums.n_outliers = n - n_kept_;
  }

 private:
  using Bits = typename FloatOf<Word>::Bits;
  using D = FloatTag<Word>;
  using DU = hn::RebindToUnsigned<D>;
  using V = hn::Vec<D>;
  using VU = hn::Vec<DU>;
  static constexpr int kBits = 8 * sizeof(Bits);
  static constexpr std::size_t kSums = BlockSums<Word>::kLanes / hn::MaxLanes(D());

#if HWY_TARGET == HWY_AVX3_DL
  // Shifts the sign in from the right, and the exponent with it, which is then masked.
  HWY_INLINE VU symbol_of(VU q, VU value) const {
    const auto n_bits = hn::Set(DU(), static_cast<Bits>(shift_ + 1));
    const auto symbol_bits = hn::Set(DU(), ~Bits{0} << shift_);
    if constexpr (sizeof(Bits) == 4) {
      return hn::And(VU{_mm512_shldv_epi32(q.raw, value.raw, n_bits.raw)}, symbol_bits);
    } else {
      return hn::And(VU{_mm512_shldv_epi64(q.raw, value.raw, n_bits.raw)}, symbol_bits);
    }
  }
#else
  HWY_INLINE VU symbol_of(VU q, VU value) const {
    const auto sign = hn::ShiftRightSame(value, kBits - 1 - shift_);
    return hn::OrAnd(hn::ShiftLeftSame(q, shift_ + 1), sign, hn::Set(DU(), Bits{1} << shift_));
  }
#endif

#if HWY_TARGET <= HWY_AVX3
  static HWY_INLINE V larger_magnitude(V largest, V value) {
    constexpr int kMaxOfAbsolute = 0b1011;
    if constexpr (sizeof(Bits) == 4)
      return V{_mm512_range_ps(largest.raw, value.raw, kMaxOfAbsolute)};
    else
      return V{_mm512_range_pd(largest.raw, value.raw, kMaxOfAbsolute)};
  }
#else
  static HWY_INLINE V larger_magnitude(V largest, V value) {
    return hn::Max(largest, hn::Abs(value));
  }
#endif

  V one_;
  V end_;
  int shift_;
  V signal_[kSums];
  V noise_[kSums];
  V max_error_;
  std::size_t n_kept_ = 0;
};

template <class Word>
std::size_t split_vectors(const std::byte* values, std::size_t n, Grid<Word> grid,
                          PlanesOut<sizeof(typename FloatOf<Word>::Bits)> planes, BlockSums<Word>& sums) {
  constexpr std::size_t kVectors = sizeof(typename FloatOf<Word>::Bits);
  constexpr std::size_t kValues = kVectorBytes / kVectors;
  BlockSplitter<Word> splitter(grid);
  std::size_t at = 0;
  for (; at + kVectorBytes <= n; at += kVectorBytes) {
    ByteVector symbols[kVectors];
    for (std::size_t j = 0; j < kVectors; ++j) {
      symbols[j] = splitter.symbols(values + (at + j * kValues) * sizeof(Word), j);
    }
    store_planes<kVectors>(symbols, planes, at);
  }
  splitter.add_to(sums, at);
  return at;
}

// The value of the symbol at the top of each lane. A half stands at the top as well; whatever is below its symbol is
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
BlockSums<Word> split_block(const std::byte* values, std::size_t n, Grid<Word> grid, std::span<std::byte* const> planes,
                            std::size_t offset) {
  using Bits = typename FloatOf<Word>::Bits;
  BlockSums<Word> sums;
  std::size_t at = 0;
#if HWY_TARGET != HWY_SCALAR
  PlanesOut<sizeof(Bits)> to(planes);
  for (std::size_t k = 0; k < to.n; ++k) to.at[k] += offset;
  at = split_vectors<Word>(values, n, grid, to, sums);
#endif
  for (; at < n; ++at) {
    const std::byte* value = values + at * sizeof(Word);
    const auto p = magnitude<Word>(value);
    const auto q = p + grid.one;
    const bool keep = q < grid.end;
    Bits symbol = 0;
    if (keep) {
      const auto sign = static_cast<Bits>(value[sizeof(Word) - 1] >> 7);
      symbol = std::bit_cast<Bits>(q) << (grid.shift + 1) | sign << grid.shift;
      const auto error = p - (q - grid.one);
      sums.max_error = std::max(sums.max_error, error < 0 ? -error : error);
      sums.signal[at % BlockSums<Word>::kLanes] += p * p;
      sums.noise[at % BlockSums<Word>::kLanes] += error * error;
    }
    sums.n_outliers += keep ? 0 : 1;
    for (std::size_t k = 0; k < planes.size(); ++k) {
      planes[k][offset + at] = static_cast<std::byte>(symbol >> (8 * (sizeof(Bits) - 1 - k)));
    }
  }
  return sums;
}

template <class Word>
elf::SplitStats split_words(const std::byte* values, std::size_t n, unsigned dropped,
                            std::span<std::byte* const> planes, std::uint16_t* block_outliers) {
  const Grid<Word> grid(dropped);
  elf::SplitStats stats;
  typename FloatOf<Word>::Float max_error = 0;
  for (std::size_t at = 0; at < n; at += kBlock) {
    const auto block = split_block<Word>(values + at * sizeof(Word), std::min(kBlock, n - at), grid, planes, at);
    max_error = std::max(max_error, block.max_error);
    stats.signal += block.sum(block.signal);
    stats.noise += block.sum(block.noise);
    stats.n_outliers += block.n_outliers;
    block_outliers[at / kBlock] = static_cast<std::uint16_t>(block.n_outliers);
  }
  stats.exact = max_error == 0;
  stats.max_abs_error = static_cast<double>(max_error);
  return stats;
}

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

elf::SplitStats split(std::size_t word, const std::byte* values, std::size_t n, unsigned dropped,
                      std::span<std::byte* const> planes, std::uint16_t* block_outliers) {
  if (word == 2) return split_words<std::uint16_t>(values, n, dropped, planes, block_outliers);
  if (word == 4) return split_words<std::uint32_t>(values, n, dropped, planes, block_outliers);
  return split_words<std::uint64_t>(values, n, dropped, planes, block_outliers);
}

void join(std::size_t word, std::span<const std::byte* const> planes, std::size_t n, unsigned dropped,
          std::byte* values) {
  if (word == 2) return join_words<std::uint16_t>(planes, n, dropped, values);
  if (word == 4) return join_words<std::uint32_t>(planes, n, dropped, values);
  join_words<std::uint64_t>(planes, n, dropped, values);
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

HWY_EXPORT(split);
HWY_EXPORT(join);
HWY_EXPORT(find);

namespace elf {

template <class Word>
SplitStats split_values(const std::byte* values, std::size_t n, unsigned dropped, std::span<std::byte* const> planes,
                        std::uint16_t* block_outliers) {
  return HWY_DYNAMIC_DISPATCH(encode::split)(sizeof(Word), values, n, dropped, planes, block_outliers);
}

template <class Word>
void join_values(std::span<const std::byte* const> planes, std::size_t n, unsigned dropped, std::byte* values) {
  HWY_DYNAMIC_DISPATCH(encode::join)(sizeof(Word), planes, n, dropped, values);
}

template <class Word>
std::size_t find_outliers(const std::byte* values, std::size_t n, unsigned dropped, std::uint32_t* positions) {
  return HWY_DYNAMIC_DISPATCH(encode::find)(sizeof(Word), values, n, dropped, positions);
}

#define ELVES_INSTANTIATE(Word)                                                                                \
  template SplitStats split_values<Word>(const std::byte*, std::size_t, unsigned, std::span<std::byte* const>, \
                                         std::uint16_t*);                                                      \
  template void join_values<Word>(std::span<const std::byte* const>, std::size_t, unsigned, std::byte*);       \
  template std::size_t find_outliers<Word>(const std::byte*, std::size_t, unsigned, std::uint32_t*)

ELVES_INSTANTIATE(std::uint16_t);
ELVES_INSTANTIATE(std::uint32_t);
ELVES_INSTANTIATE(std::uint64_t);

}  // namespace elf
}  // namespace elves::encode
#endif
