// The body of delta's kernel for AVX-512 with VBMI2. Raw intrinsics: Highway 1.0 has no compress and expand of bytes.
#if defined(ELVES_DELTA_KERNEL_VBMI2_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ELVES_DELTA_KERNEL_VBMI2_INL
#undef ELVES_DELTA_KERNEL_VBMI2_INL
#else
#define ELVES_DELTA_KERNEL_VBMI2_INL
#endif

#include <algorithm>
#include <bit>

#include "encode/transforms/delta/kernel_words-inl.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_AVX3_DL

constexpr std::size_t kStep = 64;  // words of a step

HWY_INLINE __mmask64 first(std::size_t n) {
  return n >= kStep ? ~__mmask64{0} : (__mmask64{1} << n) - 1;
}

HWY_INLINE std::size_t count(__mmask64 mask) {
  return static_cast<std::size_t>(std::popcount(std::uint64_t{mask}));
}

/// A copy of up to kStep words, followed by zeros: the last step can then read and write whole vectors.
template <class Word>
struct LastStep {
  LastStep(const std::byte* words, std::size_t n) {
    if (n > 0) std::memcpy(bytes, words, n * sizeof(Word));
  }
  alignas(64) std::byte bytes[kStep * sizeof(Word)] = {};
};

/// Assigns the words of a step to groups.
class Grouping {
 public:
  explicit Grouping(std::span<const std::uint8_t> thresholds) : n_(thresholds.size()) {
    for (std::size_t k = 0; k < n_; ++k) thresholds_[k] = _mm512_set1_epi8(static_cast<char>(thresholds[k]));
  }

  /// Calls `with(group, mask of its words)` for each group.
  template <class Word, class With>
  HWY_INLINE void for_each(const std::byte* base, __mmask64 valid, With with) const {
    if (n_ == 0) return with(n_, valid);
    const auto contexts = contexts_at<Word>(base).raw;
    __mmask64 taken = 0;
    for (std::size_t k = 0; k < n_; ++k) {
      const auto reached = _mm512_mask_cmpge_epu8_mask(valid, contexts, thresholds_[k]);
      with(k, reached & ~taken);
      taken = reached;
    }
    with(n_, valid & ~taken);
  }

 private:
  __m512i thresholds_[kMostGroups];
  std::size_t n_;
};

template <class Word>
GroupSizes count_words(const Layout& layout, const std::byte* base, std::size_t n_words) {
  constexpr std::size_t kMostSteps = 255;  // the counters are bytes
  constexpr std::size_t kThresholds = kMostGroups - 1;
  __m512i thresholds[kThresholds] = {};
  for (std::size_t k = 0; k < layout.thresholds.size(); ++k) {
    thresholds[k] = _mm512_set1_epi8(static_cast<char>(layout.thresholds[k]));
  }
  const auto one = _mm512_set1_epi8(1);
  GroupSizes sizes{};  // first cumulative: of a group and those before it
  __m512i counters[kThresholds];
  const auto add = [&](const std::byte* words, __mmask64 valid) __attribute__((always_inline)) {
    const auto contexts = contexts_at<Word>(words).raw;
    for (std::size_t k = 0; k < kThresholds; ++k) {
      const auto reached = _mm512_mask_cmpge_epu8_mask(valid, contexts, thresholds[k]);
      counters[k] = _mm512_mask_add_epi8(counters[k], reached, counters[k], one);
    }
  };
  std::size_t at = 0;
  while (at < n_words) {
    for (auto& counter : counters) counter = _mm512_setzero_si512();
    const auto n_steps = std::min((n_words - at) / kStep, kMostSteps);
    for (const auto end = at + n_steps * kStep; at < end; at += kStep) add(base + at * sizeof(Word), ~__mmask64{0});
    if (n_steps < kMostSteps) {
      const LastStep<Word> last(base + at * sizeof(Word), n_words - at);
      add(last.bytes, first(n_words - at));
      at = n_words;
    }
    for (std::size_t k = 0; k < kThresholds; ++k) {
      const auto sums = _mm512_sad_epu8(counters[k], _mm512_setzero_si512());
      sizes[k] += static_cast<std::size_t>(_mm512_reduce_add_epi64(sums));
    }
  }
  const auto n_thresholds = layout.thresholds.size();
  sizes[n_thresholds] = n_words;
  for (std::size_t k = n_thresholds; k > 0; --k) sizes[k] -= sizes[k - 1];
  std::fill(sizes.begin() + static_cast<std::ptrdiff_t>(n_thresholds) + 1, sizes.end(), std::size_t{0});
  return sizes;
}

HWY_INLINE void append(__m512i bytes, __mmask64 mask, std::byte*& to) {
  _mm512_storeu_si512(to, _mm512_maskz_compress_epi8(mask, bytes));
  to += count(mask);
}

// The symbols of a step: the lowest of the upper planes, or kEscape if a plane above it is not zero.
template <std::size_t kWord>
HWY_INLINE __m512i symbols_of(const ByteVector (&planes)[kWord], unsigned n_planes) {
  auto above = _mm512_setzero_si512();
  for (unsigned k = 0; k + 1 < n_planes; ++k) above = _mm512_or_si512(above, planes[k].raw);
  return _mm512_mask_set1_epi8(planes[n_planes - 1].raw, _mm512_test_epi8_mask(above, above),
                               static_cast<char>(kEscape));
}

template <class Operation>
std::size_t split_words(const Layout& layout, const std::byte* words, const std::byte* base, std::size_t n_words,
                        Parts<std::byte> to) {
  using Word = typename Operation::Type;
  const Grouping groups(layout.thresholds);
  const auto n_planes = layout.escape_bytes();
  const auto escape = _mm512_set1_epi8(static_cast<char>(kEscape));
  const std::byte* const first_escape = to.escapes[0];
  ByteVector planes[sizeof(Word)];
  const auto split_step = [&](const std::byte* own, const std::byte* other, __mmask64 valid)
      __attribute__((always_inline)) {
    planes_of_differences<Operation>(own, other, planes);
    const auto symbols = symbols_of<sizeof(Word)>(planes, n_planes);
    groups.for_each<Word>(
        other, valid, [&](std::size_t k, __mmask64 mask) __attribute__((always_inline)) {
          append(symbols, mask, to.symbols[k]);
        });
    const auto escaped = _mm512_mask_cmpeq_epi8_mask(valid, symbols, escape);
    if (escaped == 0) return;
    for (unsigned k = 0; k < n_planes; ++k) append(planes[k].raw, escaped, to.escapes[k]);
  };
  std::size_t at = 0;
  for (; at + kStep <= n_words; at += kStep) {
    split_step(words + at * sizeof(Word), base + at * sizeof(Word), ~__mmask64{0});
    for (unsigned k = n_planes; k < sizeof(Word); ++k) store_bytes(planes[k], to.low[k - n_planes] + at);
  }
  const auto n_last = n_words - at;
  const LastStep<Word> own(words + at * sizeof(Word), n_last);
  const LastStep<Word> other(base + at * sizeof(Word), n_last);
  split_step(own.bytes, other.bytes, first(n_last));
  for (unsigned k = n_planes; k < sizeof(Word); ++k) {
    _mm512_mask_storeu_epi8(to.low[k - n_planes] + at, first(n_last), planes[k].raw);
  }
  return static_cast<std::size_t>(to.escapes[0] - first_escape);
}

// The next bytes of a list, expanded to the places where the mask has bits. Reads at most n_left bytes.
HWY_INLINE __m512i take(__mmask64 mask, const std::byte*& from, std::size_t n_left) {
  auto bytes = HWY_LIKELY(n_left >= kStep) ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi8(first(n_left), from);
  asm("" : "+v"(bytes));  // forces a register: expanding from memory is slow on Zen 4
  from += count(mask);
  return _mm512_maskz_expand_epi8(mask, bytes);
}

template <class Operation>
bool join_words(const Layout& layout, Parts<const std::byte> from, std::span<const std::size_t> sizes,
                std::size_t n_escapes, const std::byte* base, std::size_t n_words, std::byte* words) {
  using Word = typename Operation::Type;
  const Grouping groups(layout.thresholds);
  const auto n_planes = layout.escape_bytes();
  const auto escape = _mm512_set1_epi8(static_cast<char>(kEscape));
  const auto ends = ends_of(from, sizes);
  std::size_t n_left = n_escapes;
  const auto join_step = [&](std::size_t at, const std::byte* other, __mmask64 valid, std::byte* to)
      __attribute__((always_inline)) {
    auto symbols = _mm512_setzero_si512();
    groups.for_each<Word>(
        other, valid, [&](std::size_t k, __mmask64 mask) __attribute__((always_inline)) {
          const auto left = static_cast<std::size_t>(ends[k] - from.symbols[k]);
          symbols = _mm512_or_si512(symbols, take(mask, from.symbols[k], left));
        });
    ByteVector planes[sizeof(Word)];  // loops with constant bounds keep them in registers
    for (unsigned k = 0; k < sizeof(Word); ++k) {
      if (k >= n_planes) {
        planes[k] = ByteVector{_mm512_maskz_loadu_epi8(valid, from.low[k - n_planes] + at)};
      } else {
        planes[k] = k + 1 == n_planes ? ByteVector{symbols} : hn::Zero(Bytes());
      }
    }
    const auto escaped = _mm512_cmpeq_epi8_mask(symbols, escape);
    if (escaped != 0) {
      if (count(escaped) > n_left) return false;
      for (unsigned k = 0; k < sizeof(Word); ++k) {
        if (k >= n_planes) continue;
        planes[k] = ByteVector{_mm512_mask_mov_epi8(planes[k].raw, escaped, take(escaped, from.escapes[k], n_left))};
      }
      n_left -= count(escaped);
    }
    add_differences<Operation>(planes, other, to);
    return true;
  };
  std::size_t at = 0;
  for (; at + kStep <= n_words; at += kStep) {
    if (!join_step(at, base + at * sizeof(Word), ~__mmask64{0}, words + at * sizeof(Word))) return false;
  }
  const auto n_last = n_words - at;
  LastStep<Word> last(base + at * sizeof(Word), n_last);
  if (!join_step(at, last.bytes, first(n_last), last.bytes)) return false;
  if (n_last > 0) std::memcpy(words + at * sizeof(Word), last.bytes, n_last * sizeof(Word));
  return n_left == 0;
}

#endif  // HWY_AVX3_DL

}  // namespace
}  // namespace elves::encode::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
