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

constexpr std::size_t kStep = 64;
constexpr std::size_t kBlock = 2048;  // words whose planes and symbols lie in the first cache between two loops

/// The planes of the differences of a block without the low ones, and their symbols.
struct Block {
  alignas(64) std::byte planes[kMostWordBytes][kBlock];
  alignas(64) std::byte symbols[kBlock];
};

template <class Word>
HWY_INLINE Word load_word(const std::byte* words, std::size_t i) {
  Word word;
  std::memcpy(&word, words + i * sizeof(Word), sizeof(Word));
  return word;
}

#if HWY_TARGET != HWY_SCALAR

template <class Word>
HWY_INLINE auto load_words(const std::byte* words) {
  return hn::BitCast(hn::Repartition<Word, Bytes>(), load_bytes(words));
}

#endif

template <class Operation>
void split_differences(const std::byte* words, const std::byte* base, std::size_t n, std::byte* const* planes) {
  using Word = typename Operation::Type;
  constexpr std::size_t kWord = sizeof(Word);
  std::size_t at = 0;
#if HWY_TARGET != HWY_SCALAR
  const PlanesOut<kWord> to(std::span(planes, kWord));
  for (; at + kVectorBytes <= n; at += kVectorBytes) {
    ByteVector differences[kWord];
    for (std::size_t j = 0; j < kWord; ++j) {
      const auto offset = at * kWord + j * kVectorBytes;
      differences[j] =
          hn::BitCast(Bytes(), Operation::of(load_words<Word>(words + offset), load_words<Word>(base + offset)));
    }
    store_planes<kWord>(differences, to, at);
  }
#endif
  for (; at < n; ++at) {
    const Word difference = Operation::of_word(load_word<Word>(words, at), load_word<Word>(base, at));
    for (std::size_t k = 0; k < kWord; ++k) {
      planes[k][at] = static_cast<std::byte>(difference >> (8 * (kWord - 1 - k)));
    }
  }
}

template <class Operation>
void join_differences(const std::byte* const* planes, const std::byte* base, std::size_t n, std::byte* words) {
  using Word = typename Operation::Type;
  constexpr std::size_t kWord = sizeof(Word);
  std::size_t at = 0;
#if HWY_TARGET != HWY_SCALAR
  const PlanesIn<kWord> from(std::span(planes, kWord));
  for (; at + kVectorBytes <= n; at += kVectorBytes) {
    ByteVector differences[kWord];
    load_planes<kWord>(from, at, differences);
    for (std::size_t j = 0; j < kWord; ++j) {
      const auto offset = at * kWord + j * kVectorBytes;
      const auto difference = hn::BitCast(hn::Repartition<Word, Bytes>(), differences[j]);
      store_bytes(hn::BitCast(Bytes(), Operation::of(difference, load_words<Word>(base + offset))), words + offset);
    }
  }
#endif
  for (; at < n; ++at) {
    Word difference = 0;
    for (std::size_t k = 0; k < kWord; ++k) {
      difference = static_cast<Word>(difference | static_cast<Word>(planes[k][at]) << (8 * (kWord - 1 - k)));
    }
    const Word word = Operation::of_word(difference, load_word<Word>(base, at));
    std::memcpy(words + at * kWord, &word, kWord);
  }
}

// A symbol is the lowest plane of a block; kEscape where there is anything in those above.
void make_symbols(Block& block, unsigned n_planes, std::size_t n) {
  std::memcpy(block.symbols, block.planes[n_planes - 1], n);
  for (unsigned k = 0; k + 1 < n_planes; ++k) {
    const std::byte* HWY_RESTRICT above = block.planes[k];
    std::byte* HWY_RESTRICT symbols = block.symbols;
    for (std::size_t i = 0; i < n; ++i) symbols[i] |= above[i] == std::byte{0} ? std::byte{0} : std::byte{kEscape};
  }
}

#if HWY_TARGET == HWY_AVX3_DL

HWY_INLINE __mmask64 first(std::size_t n) {
  return n >= kStep ? ~__mmask64{0} : (__mmask64{1} << n) - 1;
}

HWY_INLINE std::size_t count(__mmask64 mask) {
  return static_cast<std::size_t>(std::popcount(std::uint64_t{mask}));
}

HWY_INLINE void append(__m512i bytes, __mmask64 mask, std::byte*& to) {
  _mm512_storeu_si512(to, _mm512_maskz_compress_epi8(mask, bytes));
  to += count(mask);
}

/// Which words of a step are in which group.
class Grouping {
 public:
  explicit Grouping(std::span<const std::uint8_t> thresholds) : n_(thresholds.size()) {
    for (std::size_t k = 0; k < n_; ++k) thresholds_[k] = _mm512_set1_epi8(static_cast<char>(thresholds[k]));
  }

  template <class With>
  HWY_INLINE void for_each(const std::byte* contexts, __mmask64 valid, With with) const {
    __mmask64 taken = 0;
    if (n_ > 0) {
      const auto context = _mm512_maskz_loadu_epi8(valid, contexts);
      for (std::size_t k = 0; k < n_; ++k) {
        const auto reached = _mm512_mask_cmpge_epu8_mask(valid, context, thresholds_[k]);
        with(k, reached & ~taken);
        taken = reached;
      }
    }
    with(n_, valid & ~taken);
  }

 private:
  __m512i thresholds_[kMostGroups];
  std::size_t n_;
};

void scatter(const Layout& layout, const Block& block, const std::byte* contexts, std::size_t n, Parts<std::byte>& to) {
  const Grouping groups(layout.thresholds);
  const auto escape = _mm512_set1_epi8(static_cast<char>(kEscape));
  for (std::size_t at = 0; at < n; at += kStep) {
    const auto valid = first(n - at);
    const auto symbols = _mm512_load_si512(block.symbols + at);
    groups.for_each(contexts + at, valid, [&](std::size_t k, __mmask64 mask) { append(symbols, mask, to.symbols[k]); });
    const auto escaped = _mm512_mask_cmpeq_epi8_mask(valid, symbols, escape);
    if (escaped == 0) continue;
    for (unsigned k = 0; k < layout.escape_bytes(); ++k) {
      append(_mm512_load_si512(block.planes[k] + at), escaped, to.escapes[k]);
    }
  }
}

/// Where lists end: nothing is read behind.
struct Ends {
  std::array<const std::byte*, kMostGroups> symbols{};
  std::size_t n_escapes = 0;
};

HWY_INLINE __m512i expand(__m512i onto, __mmask64 mask, const std::byte*& from, std::size_t n_left) {
  const auto bytes = n_left >= kStep ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi8(first(n_left), from);
  from += count(mask);
  return _mm512_mask_expand_epi8(onto, mask, bytes);
}

bool gather(const Layout& layout, Parts<const std::byte>& from, Ends& ends, const std::byte* contexts, std::size_t n,
            Block& block) {
  const Grouping groups(layout.thresholds);
  const auto n_planes = layout.escape_bytes();
  const auto escape = _mm512_set1_epi8(static_cast<char>(kEscape));
  for (std::size_t at = 0; at < n; at += kStep) {
    auto symbols = _mm512_setzero_si512();
    groups.for_each(contexts + at, first(n - at), [&](std::size_t k, __mmask64 mask) {
      symbols = expand(symbols, mask, from.symbols[k], static_cast<std::size_t>(ends.symbols[k] - from.symbols[k]));
    });
    const auto escaped = _mm512_cmpeq_epi8_mask(symbols, escape);
    const auto n_escaped = count(escaped);
    if (n_escaped > ends.n_escapes) return false;
    for (unsigned k = 0; k < n_planes; ++k) {
      auto plane = k + 1 < n_planes ? _mm512_setzero_si512() : symbols;
      if (escaped != 0) plane = expand(plane, escaped, from.escapes[k], ends.n_escapes);
      _mm512_store_si512(block.planes[k] + at, plane);
    }
    ends.n_escapes -= n_escaped;
  }
  return true;
}

#else

std::array<std::uint8_t, 256> groups_of(std::span<const std::uint8_t> thresholds) {
  std::array<std::uint8_t, 256> groups{};
  for (std::size_t context = 0; context < groups.size(); ++context) {
    std::uint8_t group = 0;
    while (group < thresholds.size() && context < thresholds[group]) ++group;
    groups[context] = group;
  }
  return groups;
}

void scatter_symbols(const Layout& layout, const Block& block, const std::byte* contexts, std::size_t n,
                     Parts<std::byte>& to) {
  if (layout.thresholds.empty()) {
    std::memcpy(to.symbols[0], block.symbols, n);
    to.symbols[0] += n;
    return;
  }
  const auto groups = groups_of(layout.thresholds);
  auto next = to.symbols;
  for (std::size_t i = 0; i < n; ++i) *next[groups[static_cast<std::uint8_t>(contexts[i])]]++ = block.symbols[i];
  to.symbols = next;
}

void scatter(const Layout& layout, const Block& block, const std::byte* contexts, std::size_t n, Parts<std::byte>& to) {
  scatter_symbols(layout, block, contexts, n, to);
  for (std::size_t i = 0; i < n; ++i) {
    if (block.symbols[i] != std::byte{kEscape}) continue;
    for (unsigned k = 0; k < layout.escape_bytes(); ++k) *to.escapes[k]++ = block.planes[k][i];
  }
}

struct Ends {
  std::array<const std::byte*, kMostGroups> symbols{};
  std::size_t n_escapes = 0;
};

void gather_symbols(const Layout& layout, Parts<const std::byte>& from, const std::byte* contexts, std::size_t n,
                    std::byte* symbols) {
  if (layout.thresholds.empty()) {
    std::memcpy(symbols, from.symbols[0], n);
    from.symbols[0] += n;
    return;
  }
  const auto groups = groups_of(layout.thresholds);
  auto next = from.symbols;
  for (std::size_t i = 0; i < n; ++i) symbols[i] = *next[groups[static_cast<std::uint8_t>(contexts[i])]]++;
  from.symbols = next;
}

bool gather(const Layout& layout, Parts<const std::byte>& from, Ends& ends, const std::byte* contexts, std::size_t n,
            Block& block) {
  const auto n_planes = layout.escape_bytes();
  std::byte* const symbols = block.planes[n_planes - 1];
  gather_symbols(layout, from, contexts, n, symbols);
  for (unsigned k = 0; k + 1 < n_planes; ++k) std::memset(block.planes[k], 0, n);
  for (std::size_t i = 0; i < n; ++i) {
    if (symbols[i] != std::byte{kEscape}) continue;
    if (ends.n_escapes == 0) return false;
    for (unsigned k = 0; k < n_planes; ++k) block.planes[k][i] = *from.escapes[k]++;
    --ends.n_escapes;
  }
  return true;
}

#endif

template <class Operation>
std::size_t split_words(const Layout& layout, const std::byte* words, const std::byte* base, const std::byte* contexts,
                        std::size_t n_words, Parts<std::byte> to) {
  constexpr std::size_t kWord = sizeof(typename Operation::Type);
  const auto n_planes = layout.escape_bytes();
  const std::byte* const first_escape = to.escapes[0];
  Block block;
  for (std::size_t at = 0; at < n_words; at += kBlock) {
    const auto n = std::min(kBlock, n_words - at);
    std::byte* planes[kWord];
    for (std::size_t k = 0; k < kWord; ++k) planes[k] = k < n_planes ? block.planes[k] : to.low[k - n_planes] + at;
    split_differences<Operation>(words + at * kWord, base + at * kWord, n, planes);
    make_symbols(block, n_planes, n);
    scatter(layout, block, layout.thresholds.empty() ? nullptr : contexts + at, n, to);
  }
  return static_cast<std::size_t>(to.escapes[0] - first_escape);
}

template <class Operation>
bool join_words(const Layout& layout, Parts<const std::byte> from, Ends ends, const std::byte* base,
                const std::byte* contexts, std::size_t n_words, std::byte* words) {
  constexpr std::size_t kWord = sizeof(typename Operation::Type);
  const auto n_planes = layout.escape_bytes();
  Block block;
  for (std::size_t at = 0; at < n_words; at += kBlock) {
    const auto n = std::min(kBlock, n_words - at);
    const auto* block_contexts = layout.thresholds.empty() ? nullptr : contexts + at;
    if (!gather(layout, from, ends, block_contexts, n, block)) return false;
    const std::byte* planes[kWord];
    for (std::size_t k = 0; k < kWord; ++k) planes[k] = k < n_planes ? block.planes[k] : from.low[k - n_planes] + at;
    join_differences<Operation>(planes, base + at * kWord, n, words + at * kWord);
  }
  return ends.n_escapes == 0;
}

/// Calls `with` with a word of that many bytes.
template <class With>
auto with_word(unsigned word_bytes, With with) {
  if (word_bytes == 1) return with(std::uint8_t{});
  if (word_bytes == 2) return with(std::uint16_t{});
  if (word_bytes == 4) return with(std::uint32_t{});
  return with(std::uint64_t{});
}

std::size_t split_all(const Layout& layout, const std::byte* words, const std::byte* base, const std::byte* contexts,
                      std::size_t n_words, const Parts<std::byte>& to) {
  return with_word(layout.word_bytes, [&](auto word) {
    using Word = decltype(word);
    if (layout.operation == Operation::Xor) {
      return split_words<RotatedXor<Word>>(layout, words, base, contexts, n_words, to);
    }
    if (layout.operation == Operation::Floats) {
      return split_words<Difference<Word>>(layout, words, base, contexts, n_words, to);
    }
    return split_words<IntegerDifference<Word>>(layout, words, base, contexts, n_words, to);
  });
}

bool join_all(const Layout& layout, const Parts<const std::byte>& from, std::span<const std::size_t> sizes,
              std::size_t n_escapes, const std::byte* base, const std::byte* contexts, std::size_t n_words,
              std::byte* words) {
  Ends ends{.n_escapes = n_escapes};
  for (std::size_t k = 0; k < layout.n_groups(); ++k) ends.symbols[k] = from.symbols[k] + sizes[k];
  return with_word(layout.word_bytes, [&](auto word) {
    using Word = decltype(word);
    if (layout.operation == Operation::Xor) {
      return join_words<XorOfRotated<Word>>(layout, from, ends, base, contexts, n_words, words);
    }
    if (layout.operation == Operation::Floats) {
      return join_words<Sum<Word>>(layout, from, ends, base, contexts, n_words, words);
    }
    return join_words<IntegerSum<Word>>(layout, from, ends, base, contexts, n_words, words);
  });
}

template <class Operation>
void measure(const std::byte* words, const std::byte* base, std::size_t n_words, std::uint8_t* widths) {
  using Word = typename Operation::Type;
  for (std::size_t i = 0; i < n_words; ++i) {
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

void contexts_of_doubles(const std::byte* words, std::size_t n_words, std::byte* HWY_RESTRICT contexts) {
  for (std::size_t i = 0; i < n_words; ++i) {
    contexts[i] = static_cast<std::byte>((load_word<std::uint64_t>(words, i) >> 52) + 128);
  }
}

constexpr std::size_t kLanes = 64;
constexpr std::size_t kCounted = kLanes * 255;  // contexts that counters of a byte can count

std::size_t count_reached(const std::byte* contexts, std::size_t n, std::uint8_t threshold) {
  const auto reaches = [&](std::size_t i) -> std::uint8_t {
    return static_cast<std::uint8_t>(contexts[i]) >= threshold ? 1 : 0;
  };
  std::uint8_t lanes[kLanes] = {};
  std::size_t at = 0;
  for (; at + kLanes <= n; at += kLanes) {
    for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = static_cast<std::uint8_t>(lanes[i] + reaches(at + i));
  }
  std::size_t reached = 0;
  for (; at < n; ++at) reached += reaches(at);
  for (const auto lane : lanes) reached += lane;
  return reached;
}

void count_all(const std::byte* contexts, std::size_t n, std::span<const std::uint8_t> thresholds,
               std::size_t* reached) {
  for (std::size_t at = 0; at < n; at += kCounted) {
    for (std::size_t k = 0; k < thresholds.size(); ++k) {
      reached[k] += count_reached(contexts + at, std::min(kCounted, n - at), thresholds[k]);
    }
  }
}

}  // namespace
}  // namespace elves::encode::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "encode/transforms/planes/kernel.hpp"

namespace elves::encode {

HWY_EXPORT(split_all);
HWY_EXPORT(join_all);
HWY_EXPORT(measure_all);
HWY_EXPORT(contexts_of_doubles);
HWY_EXPORT(count_all);

namespace delta {

void contexts_of(unsigned word_bytes, const std::byte* words, std::size_t n_words, std::byte* contexts) {
  if (word_bytes == 8) {
    HWY_DYNAMIC_DISPATCH(encode::contexts_of_doubles)(words, n_words, contexts);
  } else {
    split_planes({.n_bytes = word_bytes, .rotate = true}, words, n_words, {&contexts, 1});
  }
}

void widths_of(unsigned word_bytes, Operation operation, const std::byte* words, const std::byte* base,
               std::size_t n_words, std::uint8_t* widths) {
  HWY_DYNAMIC_DISPATCH(encode::measure_all)(word_bytes, operation, words, base, n_words, widths);
}

std::array<std::size_t, kMostGroups> count_groups(const std::byte* contexts, std::size_t n,
                                                  std::span<const std::uint8_t> thresholds) {
  std::array<std::size_t, kMostGroups> counts{};
  HWY_DYNAMIC_DISPATCH(encode::count_all)(contexts, n, thresholds, counts.data());
  counts[thresholds.size()] = n;
  for (std::size_t k = thresholds.size(); k > 0; --k) counts[k] -= counts[k - 1];
  return counts;
}

std::size_t split(const Layout& layout, const std::byte* words, const std::byte* base, const std::byte* contexts,
                  std::size_t n_words, const Parts<std::byte>& to) {
  return HWY_DYNAMIC_DISPATCH(encode::split_all)(layout, words, base, contexts, n_words, to);
}

bool join(const Layout& layout, const Parts<const std::byte>& from, std::span<const std::size_t> sizes,
          std::size_t n_escapes, const std::byte* base, const std::byte* contexts, std::size_t n_words,
          std::byte* words) {
  return HWY_DYNAMIC_DISPATCH(encode::join_all)(layout, from, sizes, n_escapes, base, contexts, n_words, words);
}

}  // namespace delta
}  // namespace elves::encode
#endif
