#include "encode/transforms/elf/kernel.hpp"

#include <algorithm>
#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "encode/transforms/elf/kernel_split.cpp"
#include "hwy/foreach_target.h"
// These come after foreach_target.h.
#include "encode/kernels/byte_transpose-inl.hpp"
#include "encode/transforms/elf/kernel_grid-inl.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::HWY_NAMESPACE {
namespace {

using elf::kBlock;

// Sums of a block: element i is added to lane i % kLanes.
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
class BlockSplitter {
 public:
  explicit BlockSplitter(const Grid<Word>& grid)
      : one_(hn::Set(D(), grid.one)), end_(hn::Set(D(), grid.end)), shift_(grid.shift) {
    for (std::size_t i = 0; i < kSums; ++i) signal_[i] = noise_[i] = hn::Zero(D());
    max_error_ = hn::Zero(D());
  }

  /// The symbols of one vector of values; `j` is its number within the step.
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
  // Raw intrinsic: Highway has no funnel shift. It shifts the sign in from the right; the exponent that follows is
  // masked.
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
  // Raw intrinsic: Highway has no maximum of magnitudes.
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

elf::SplitStats split(std::size_t word, const std::byte* values, std::size_t n, unsigned dropped,
                      std::span<std::byte* const> planes, std::uint16_t* block_outliers) {
  if (word == 2) return split_words<std::uint16_t>(values, n, dropped, planes, block_outliers);
  if (word == 4) return split_words<std::uint32_t>(values, n, dropped, planes, block_outliers);
  return split_words<std::uint64_t>(values, n, dropped, planes, block_outliers);
}

}  // namespace
}  // namespace elves::encode::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elves::encode {

HWY_EXPORT(split);

namespace elf {

template <class Word>
SplitStats split_values(const std::byte* values, std::size_t n, unsigned dropped, std::span<std::byte* const> planes,
                        std::uint16_t* block_outliers) {
  return HWY_DYNAMIC_DISPATCH(encode::split)(sizeof(Word), values, n, dropped, planes, block_outliers);
}

template SplitStats split_values<std::uint16_t>(const std::byte*, std::size_t, unsigned, std::span<std::byte* const>,
                                                std::uint16_t*);
template SplitStats split_values<std::uint32_t>(const std::byte*, std::size_t, unsigned, std::span<std::byte* const>,
                                                std::uint16_t*);
template SplitStats split_values<std::uint64_t>(const std::byte*, std::size_t, unsigned, std::span<std::byte* const>,
                                                std::uint16_t*);

}  // namespace elf
}  // namespace elves::encode
#endif
