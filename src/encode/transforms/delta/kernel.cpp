#include "encode/transforms/delta/kernel.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "encode/transforms/delta/kernel.cpp"
#include "hwy/foreach_target.h"
// These come after foreach_target.h.
#include "encode/kernels/byte_transpose-inl.hpp"
#include "encode/kernels/difference-inl.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::HWY_NAMESPACE {
namespace {

using delta::kEscape;
using delta::kMostGroups;
using delta::kMostWordBytes;
using delta::Layout;
using delta::Operation;
using delta::Parts;
using GroupSizes = std::array<std::size_t, kMostGroups>;

template <class Word>
HWY_INLINE Word load_word(const std::byte* words, std::size_t i) {
  Word word;
  std::memcpy(&word, words + i * sizeof(Word), sizeof(Word));
  return word;
}

/// Calls `with` with a word of that many bytes.
template <class With>
auto with_word(unsigned word_bytes, With with) {
  if (word_bytes == 1) return with(std::uint8_t{});
  if (word_bytes == 2) return with(std::uint16_t{});
  if (word_bytes == 4) return with(std::uint32_t{});
  return with(std::uint64_t{});
}

// A word whose top byte is the context.
template <class Word>
Word context_of_word(Word word) {
  if constexpr (sizeof(Word) == 8) return (word << 4) + (std::uint64_t{128} << 56);
  return static_cast<Word>(word << 1);
}

#if HWY_TARGET != HWY_SCALAR

template <class Word>
HWY_INLINE auto load_words(const std::byte* words) {
  return hn::BitCast(hn::Repartition<Word, Bytes>(), load_bytes(words));
}

// The contexts of as many words as a vector has bytes.
template <class Word>
HWY_INLINE ByteVector contexts_at(const std::byte* words) {
  const hn::Repartition<Word, Bytes> d;
  ByteVector moved[sizeof(Word)];
  ByteVector planes[sizeof(Word)];
  for (std::size_t j = 0; j < sizeof(Word); ++j) {
    const auto word = load_words<Word>(words + j * kVectorBytes);
    if constexpr (sizeof(Word) == 8) {
      moved[j] = hn::BitCast(Bytes(), hn::Add(hn::ShiftLeft<4>(word), hn::Set(d, std::uint64_t{128} << 56)));
    } else {
      moved[j] = hn::BitCast(Bytes(), hn::Add(word, word));
    }
  }
  to_planes<sizeof(Word)>(moved, planes);
  return planes[0];
}

template <class Operation, class Word = typename Operation::Type>
HWY_INLINE void planes_of_differences(const std::byte* words, const std::byte* base,
                                      ByteVector (&planes)[sizeof(Word)]) {
  ByteVector differences[sizeof(Word)];
  for (std::size_t j = 0; j < sizeof(Word); ++j) {
    const auto offset = j * kVectorBytes;
    const auto difference = Operation::of(load_words<Word>(words + offset), load_words<Word>(base + offset));
    differences[j] = hn::BitCast(Bytes(), difference);
  }
  to_planes<sizeof(Word)>(differences, planes);
}

template <class Operation, class Word = typename Operation::Type>
HWY_INLINE void add_differences(const ByteVector (&planes)[sizeof(Word)], const std::byte* base, std::byte* words) {
  ByteVector differences[sizeof(Word)];
  from_planes<sizeof(Word)>(planes, differences);
  for (std::size_t j = 0; j < sizeof(Word); ++j) {
    const auto offset = j * kVectorBytes;
    const auto difference = hn::BitCast(hn::Repartition<Word, Bytes>(), differences[j]);
    store_bytes(hn::BitCast(Bytes(), Operation::of(difference, load_words<Word>(base + offset))), words + offset);
  }
}

#endif

template <class Word>
void make_contexts(const std::byte* words, std::size_t n_words, std::byte* contexts) {
  std::size_t at = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; at + kVectorBytes <= n_words; at += kVectorBytes) {
    store_bytes(contexts_at<Word>(words + at * sizeof(Word)), contexts + at);
  }
#endif
  for (; at < n_words; ++at) {
    contexts[at] = static_cast<std::byte>(context_of_word(load_word<Word>(words, at)) >> (8 * sizeof(Word) - 8));
  }
}

using Ends = std::array<const std::byte*, kMostGroups>;

Ends ends_of(const Parts<const std::byte>& lists, std::span<const std::size_t> sizes) {
  Ends ends{};
  for (std::size_t k = 0; k < sizes.size(); ++k) ends[k] = lists.symbols[k] + sizes[k];
  return ends;
}

#if HWY_TARGET == HWY_AVX3_DL

constexpr std::size_t kStep = 64;  // words at a time

HWY_INLINE __mmask64 first(std::size_t n) {
  return n >= kStep ? ~__mmask64{0} : (__mmask64{1} << n) - 1;
}

HWY_INLINE std::size_t count(__mmask64 mask) {
  return static_cast<std::size_t>(std::popcount(std::uint64_t{mask}));
}

/// Up to kStep words, and zeros: the last step may read and write whole vectors.
template <class Word>
struct LastStep {
  LastStep(const std::byte* words, std::size_t n) {
    if (n > 0) std::memcpy(bytes, words, n * sizeof(Word));
  }
  alignas(64) std::byte bytes[kStep * sizeof(Word)] = {};
};

/// Which words of a step are in which group.
class Grouping {
 public:
  explicit Grouping(std::span<const std::uint8_t> thresholds) : n_(thresholds.size()) {
    for (std::size_t k = 0; k < n_; ++k) thresholds_[k] = _mm512_set1_epi8(static_cast<char>(thresholds[k]));
  }

  /// Calls `with(group, mask)` for all groups.
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
  constexpr std::size_t kMostSteps = 255;  // that counters of a byte can count
  constexpr std::size_t kThresholds = kMostGroups - 1;
  __m512i thresholds[kThresholds] = {};
  for (std::size_t k = 0; k < layout.thresholds.size(); ++k) {
    thresholds[k] = _mm512_set1_epi8(static_cast<char>(layout.thresholds[k]));
  }
  const auto one = _mm512_set1_epi8(1);
  GroupSizes sizes{};  // of a group and those before it, at first
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

// The symbols of a step: the lowest of the upper planes, or kEscape where there is anything above it.
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

// As many bytes as the mask has bits, at their places; nothing is read beyond the n_left bytes.
HWY_INLINE __m512i take(__mmask64 mask, const std::byte*& from, std::size_t n_left) {
  auto bytes = HWY_LIKELY(n_left >= kStep) ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi8(first(n_left), from);
  asm("" : "+v"(bytes));  // a register: expanding from memory is slow on Zen 4
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
    ByteVector planes[sizeof(Word)];  // loops to constant bounds keep them in registers
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

#else

constexpr std::size_t kBlock = 2048;  // words whose planes, symbols and contexts lie in the first cache

/// What is known of a block of words. The planes are the upper ones, those of escapes; a mask has all bits of a byte
/// set where its word is in a group, or is escaped.
struct Block {
  alignas(64) std::byte planes[kMostWordBytes][kBlock];
  alignas(64) std::byte symbols[kBlock];
  alignas(64) std::byte contexts[kBlock];
  alignas(64) std::byte mask[kBlock];
};

// A group is a range of contexts. The mask ends with zeros, so that eight bytes at a time can be read.
void mask_group(const Layout& layout, std::size_t group, std::size_t n, Block& block) {
  const auto thresholds = layout.thresholds;
  const unsigned least = group < thresholds.size() ? thresholds[group] : 0;
  const unsigned end = group > 0 ? thresholds[group - 1] : 256;
  std::memset(block.mask + n / 8 * 8, 0, (n + 7) / 8 * 8 - n / 8 * 8);
  if (end <= least) return static_cast<void>(std::memset(block.mask, 0, n));
  const auto most = static_cast<std::uint8_t>(end - 1 - least);
  const std::byte* HWY_RESTRICT contexts = block.contexts;
  std::byte* HWY_RESTRICT mask = block.mask;
  for (std::size_t i = 0; i < n; ++i) {
    const auto above = static_cast<std::uint8_t>(static_cast<unsigned>(contexts[i]) - least);
    mask[i] = above <= most ? std::byte{0xFF} : std::byte{0};
  }
}

void mask_escapes(const std::byte* HWY_RESTRICT symbols, std::size_t n, std::byte* HWY_RESTRICT mask) {
  std::memset(mask + n / 8 * 8, 0, (n + 7) / 8 * 8 - n / 8 * 8);
  for (std::size_t i = 0; i < n; ++i) mask[i] = symbols[i] == std::byte{kEscape} ? std::byte{0xFF} : std::byte{0};
}

std::size_t count_masked(const std::byte* mask, std::size_t n) {
  constexpr std::size_t kLanes = 64;  // kBlock is at most 255 times as much
  std::uint8_t lanes[kLanes] = {};
  std::size_t at = 0;
  for (; at + kLanes <= n; at += kLanes) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      lanes[i] = static_cast<std::uint8_t>(lanes[i] - static_cast<std::uint8_t>(mask[at + i]));
    }
  }
  std::size_t counted = 0;
  for (const auto lane : lanes) counted += lane;
  for (; at < n; ++at) counted += static_cast<std::size_t>(mask[at]) & 1;
  return counted;
}

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3

// Appends the bytes that the mask chooses.
void append_masked(const std::byte* bytes, const std::byte* mask, std::size_t n, std::byte*& to) {
  for (std::size_t i = 0; i < n; i += 8) {
    const auto chosen = load_word<std::uint64_t>(mask + i, 0);
    const auto packed = _pext_u64(load_word<std::uint64_t>(bytes + i, 0), chosen);
    std::memcpy(to, &packed, sizeof packed);
    to += std::popcount(chosen) / 8;
  }
}

// The inverse: the next bytes to where the mask chooses; the others stay. Nothing is read beyond the end.
void take_masked(const std::byte* mask, std::size_t n, const std::byte*& from, const std::byte* end, std::byte* bytes) {
  for (std::size_t i = 0; i < n; i += 8) {
    const auto chosen = load_word<std::uint64_t>(mask + i, 0);
    std::uint64_t packed = 0;
    const auto n_left = static_cast<std::size_t>(end - from);
    if (HWY_LIKELY(n_left >= sizeof packed)) {
      std::memcpy(&packed, from, sizeof packed);
    } else if (n_left > 0) {
      std::memcpy(&packed, from, n_left);
    }
    const auto merged = (load_word<std::uint64_t>(bytes + i, 0) & ~chosen) | _pdep_u64(packed, chosen);
    std::memcpy(bytes + i, &merged, sizeof merged);
    from += std::popcount(chosen) / 8;
  }
}

#else

void append_masked(const std::byte* bytes, const std::byte* mask, std::size_t n, std::byte*& to) {
  for (std::size_t i = 0; i < n; ++i) {
    *to = bytes[i];
    to += static_cast<std::size_t>(mask[i]) & 1;
  }
}

void take_masked(const std::byte* mask, std::size_t n, const std::byte*& from, const std::byte*, std::byte* bytes) {
  for (std::size_t i = 0; i < n; ++i) {
    if (mask[i] != std::byte{0}) bytes[i] = *from++;
  }
}

#endif

template <class Word>
GroupSizes count_words(const Layout& layout, const std::byte* base, std::size_t n_words) {
  GroupSizes sizes{};
  Block block;
  for (std::size_t at = 0; at < n_words; at += kBlock) {
    const auto n = std::min(kBlock, n_words - at);
    make_contexts<Word>(base + at * sizeof(Word), n, block.contexts);
    for (std::size_t k = 0; k < layout.n_groups(); ++k) {
      mask_group(layout, k, n, block);
      sizes[k] += count_masked(block.mask, n);
    }
  }
  return sizes;
}

template <class Operation>
void split_differences(const std::byte* words, const std::byte* base, std::size_t n, std::byte* const* planes) {
  using Word = typename Operation::Type;
  std::size_t at = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; at + kVectorBytes <= n; at += kVectorBytes) {
    ByteVector bytes[sizeof(Word)];
    planes_of_differences<Operation>(words + at * sizeof(Word), base + at * sizeof(Word), bytes);
    for (std::size_t k = 0; k < sizeof(Word); ++k) store_bytes(bytes[k], planes[k] + at);
  }
#endif
  for (; at < n; ++at) {
    const Word difference = Operation::of_word(load_word<Word>(words, at), load_word<Word>(base, at));
    for (std::size_t k = 0; k < sizeof(Word); ++k) {
      planes[k][at] = static_cast<std::byte>(difference >> (8 * (sizeof(Word) - 1 - k)));
    }
  }
}

template <class Operation>
void join_differences(const std::byte* const* planes, const std::byte* base, std::size_t n, std::byte* words) {
  using Word = typename Operation::Type;
  std::size_t at = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; at + kVectorBytes <= n; at += kVectorBytes) {
    ByteVector bytes[sizeof(Word)];
    for (std::size_t k = 0; k < sizeof(Word); ++k) bytes[k] = load_bytes(planes[k] + at);
    add_differences<Operation>(bytes, base + at * sizeof(Word), words + at * sizeof(Word));
  }
#endif
  for (; at < n; ++at) {
    Word difference = 0;
    for (std::size_t k = 0; k < sizeof(Word); ++k) {
      difference = static_cast<Word>(difference | static_cast<Word>(planes[k][at]) << (8 * (sizeof(Word) - 1 - k)));
    }
    const Word word = Operation::of_word(difference, load_word<Word>(base, at));
    std::memcpy(words + at * sizeof(Word), &word, sizeof(Word));
  }
}

// A symbol is the lowest of the upper planes; kEscape where there is anything above it.
void make_symbols(Block& block, unsigned n_planes, std::size_t n) {
  std::memcpy(block.symbols, block.planes[n_planes - 1], n);
  for (unsigned k = 0; k + 1 < n_planes; ++k) {
    const std::byte* HWY_RESTRICT above = block.planes[k];
    std::byte* HWY_RESTRICT symbols = block.symbols;
    for (std::size_t i = 0; i < n; ++i) symbols[i] |= above[i] == std::byte{0} ? std::byte{0} : std::byte{kEscape};
  }
}

template <class Operation>
std::size_t split_words(const Layout& layout, const std::byte* words, const std::byte* base, std::size_t n_words,
                        Parts<std::byte> to) {
  using Word = typename Operation::Type;
  const auto n_planes = layout.escape_bytes();
  const std::byte* const first_escape = to.escapes[0];
  Block block;
  for (std::size_t at = 0; at < n_words; at += kBlock) {
    const auto n = std::min(kBlock, n_words - at);
    const auto* other = base + at * sizeof(Word);
    std::byte* planes[sizeof(Word)];
    for (unsigned k = 0; k < sizeof(Word); ++k) planes[k] = k < n_planes ? block.planes[k] : to.low[k - n_planes] + at;
    split_differences<Operation>(words + at * sizeof(Word), other, n, planes);
    make_symbols(block, n_planes, n);
    make_contexts<Word>(other, n, block.contexts);
    for (std::size_t k = 0; k < layout.n_groups(); ++k) {
      mask_group(layout, k, n, block);
      append_masked(block.symbols, block.mask, n, to.symbols[k]);
    }
    mask_escapes(block.symbols, n, block.mask);
    for (unsigned k = 0; k < n_planes; ++k) append_masked(block.planes[k], block.mask, n, to.escapes[k]);
  }
  return static_cast<std::size_t>(to.escapes[0] - first_escape);
}

template <class Operation>
bool join_words(const Layout& layout, Parts<const std::byte> from, std::span<const std::size_t> sizes,
                std::size_t n_escapes, const std::byte* base, std::size_t n_words, std::byte* words) {
  using Word = typename Operation::Type;
  const auto ends = ends_of(from, sizes);
  const auto n_planes = layout.escape_bytes();
  std::size_t n_left = n_escapes;
  Block block;
  for (std::size_t at = 0; at < n_words; at += kBlock) {
    const auto n = std::min(kBlock, n_words - at);
    const auto* other = base + at * sizeof(Word);
    make_contexts<Word>(other, n, block.contexts);
    auto* symbols = block.planes[n_planes - 1];
    for (std::size_t k = 0; k < layout.n_groups(); ++k) {
      mask_group(layout, k, n, block);
      take_masked(block.mask, n, from.symbols[k], ends[k], symbols);
    }
    mask_escapes(symbols, n, block.mask);
    const auto n_escaped = count_masked(block.mask, n);
    if (n_escaped > n_left) return false;
    for (unsigned k = 0; k < n_planes; ++k) {
      if (k + 1 < n_planes) std::memset(block.planes[k], 0, n);
      take_masked(block.mask, n, from.escapes[k], from.escapes[k] + n_left, block.planes[k]);
    }
    n_left -= n_escaped;
    const std::byte* planes[sizeof(Word)];
    for (unsigned k = 0; k < sizeof(Word); ++k) {
      planes[k] = k < n_planes ? block.planes[k] : from.low[k - n_planes] + at;
    }
    join_differences<Operation>(planes, other, n, words + at * sizeof(Word));
  }
  return n_left == 0;
}

#endif

std::size_t split_all(const Layout& layout, const std::byte* words, const std::byte* base, std::size_t n_words,
                      const Parts<std::byte>& to) {
  return with_word(layout.word_bytes, [&](auto word) {
    using Word = decltype(word);
    if (layout.operation == Operation::Xor) return split_words<RotatedXor<Word>>(layout, words, base, n_words, to);
    if (layout.operation == Operation::Floats) return split_words<Difference<Word>>(layout, words, base, n_words, to);
    return split_words<IntegerDifference<Word>>(layout, words, base, n_words, to);
  });
}

bool join_all(const Layout& layout, const Parts<const std::byte>& from, std::span<const std::size_t> sizes,
              std::size_t n_escapes, const std::byte* base, std::size_t n_words, std::byte* words) {
  return with_word(layout.word_bytes, [&](auto word) {
    using Word = decltype(word);
    const auto join_by = [&](auto join) { return join(layout, from, sizes, n_escapes, base, n_words, words); };
    if (layout.operation == Operation::Xor) return join_by(join_words<XorOfRotated<Word>>);
    if (layout.operation == Operation::Floats) return join_by(join_words<Sum<Word>>);
    return join_by(join_words<IntegerSum<Word>>);
  });
}

GroupSizes count_all(const Layout& layout, const std::byte* base, std::size_t n_words) {
  return with_word(layout.word_bytes, [&](auto word) { return count_words<decltype(word)>(layout, base, n_words); });
}

void contexts_of_all(unsigned word_bytes, const std::byte* words, std::size_t n_words, std::byte* contexts) {
  with_word(word_bytes, [&](auto word) { make_contexts<decltype(word)>(words, n_words, contexts); });
}

#if HWY_TARGET != HWY_SCALAR

HWY_INLINE ByteVector width_of_byte(ByteVector byte) {
  alignas(16) static constexpr std::uint8_t kWidths[16] = {0, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4};
  const auto widths = hn::LoadDup128(Bytes(), kWidths);
  const auto high = hn::ShiftRight<4>(byte);
  const auto of_high = hn::Add(hn::TableLookupBytes(widths, high), hn::Set(Bytes(), 4));
  return hn::IfThenElse(hn::Eq(high, hn::Zero(Bytes())), hn::TableLookupBytes(widths, byte), of_high);
}

// Of words whose bytes lie in planes.
template <std::size_t kWord>
HWY_INLINE ByteVector width_of(const ByteVector (&planes)[kWord]) {
  auto width = width_of_byte(planes[kWord - 1]);
  for (std::size_t k = 0; k + 1 < kWord; ++k) {
    const auto below = hn::Set(Bytes(), static_cast<std::uint8_t>(8 * (kWord - 1 - k)));
    const auto with_below = hn::Add(width_of_byte(planes[k]), below);
    width = hn::Max(width, hn::IfThenZeroElse(hn::Eq(planes[k], hn::Zero(Bytes())), with_below));
  }
  return width;
}

#endif

template <class Operation>
void measure(const std::byte* words, const std::byte* base, std::size_t n_words, std::uint8_t* widths) {
  using Word = typename Operation::Type;
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; i + kVectorBytes <= n_words; i += kVectorBytes) {
    ByteVector planes[sizeof(Word)];
    planes_of_differences<Operation>(words + i * sizeof(Word), base + i * sizeof(Word), planes);
    hn::StoreU(width_of(planes), Bytes(), widths + i);
  }
#endif
  for (; i < n_words; ++i) {
    const Word difference = Operation::of_word(load_word<Word>(words, i), load_word<Word>(base, i));
    widths[i] = static_cast<std::uint8_t>(std::bit_width(difference));
  }
}

void measure_all(unsigned word_bytes, Operation operation, const std::byte* words, const std::byte* base,
                 std::size_t n_words, std::uint8_t* widths) {
  with_word(word_bytes, [&](auto word) {
    using Word = decltype(word);
    if (operation == Operation::Xor) return measure<RotatedXor<Word>>(words, base, n_words, widths);
    if (operation == Operation::Floats) return measure<Difference<Word>>(words, base, n_words, widths);
    measure<IntegerDifference<Word>>(words, base, n_words, widths);
  });
}

}  // namespace
}  // namespace elves::encode::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elves::encode {

HWY_EXPORT(split_all);
HWY_EXPORT(join_all);
HWY_EXPORT(count_all);
HWY_EXPORT(measure_all);
HWY_EXPORT(contexts_of_all);

namespace delta {

void contexts_of(unsigned word_bytes, const std::byte* words, std::size_t n_words, std::byte* contexts) {
  HWY_DYNAMIC_DISPATCH(encode::contexts_of_all)(word_bytes, words, n_words, contexts);
}

void widths_of(unsigned word_bytes, Operation operation, const std::byte* words, const std::byte* base,
               std::size_t n_words, std::uint8_t* widths) {
  HWY_DYNAMIC_DISPATCH(encode::measure_all)(word_bytes, operation, words, base, n_words, widths);
}

std::array<std::size_t, kMostGroups> count_groups(const Layout& layout, const std::byte* base, std::size_t n_words) {
  if (layout.thresholds.empty()) return {n_words};
  return HWY_DYNAMIC_DISPATCH(encode::count_all)(layout, base, n_words);
}

std::size_t split(const Layout& layout, const std::byte* words, const std::byte* base, std::size_t n_words,
                  const Parts<std::byte>& to) {
  return HWY_DYNAMIC_DISPATCH(encode::split_all)(layout, words, base, n_words, to);
}

bool join(const Layout& layout, const Parts<const std::byte>& from, std::span<const std::size_t> sizes,
          std::size_t n_escapes, const std::byte* base, std::size_t n_words, std::byte* words) {
  return HWY_DYNAMIC_DISPATCH(encode::join_all)(layout, from, sizes, n_escapes, base, n_words, words);
}

}  // namespace delta
}  // namespace elves::encode
#endif
