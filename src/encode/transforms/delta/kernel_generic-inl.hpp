// The body of delta's kernel for all targets but AVX-512 with VBMI2: blocks of words, one pass for each group.
#if defined(ELVES_DELTA_KERNEL_GENERIC_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ELVES_DELTA_KERNEL_GENERIC_INL
#undef ELVES_DELTA_KERNEL_GENERIC_INL
#else
#define ELVES_DELTA_KERNEL_GENERIC_INL
#endif

#include <algorithm>
#include <bit>

#include "encode/transforms/delta/kernel_words-inl.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::HWY_NAMESPACE {
namespace {

#if HWY_TARGET != HWY_AVX3_DL

constexpr std::size_t kBlock = 2048;  // words of a block: its planes, symbols and contexts fit in the L1 cache

/// The intermediate results of a block of words. `planes`: the upper ones, which the escapes have. `mask`: 0xFF for
/// each word that is in a group, or that is escaped, otherwise 0.
struct Block {
  alignas(64) std::byte planes[kMostWordBytes][kBlock];
  alignas(64) std::byte symbols[kBlock];
  alignas(64) std::byte contexts[kBlock];
  alignas(64) std::byte mask[kBlock];
};

// Makes the mask of a group, which is a range of contexts. Zeros follow up to a multiple of eight bytes.
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
  constexpr std::size_t kLanes = 64;  // kBlock is at most 255 times this
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

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3  // BMI2: pext and pdep, which Highway does not offer

// Appends the bytes that the mask selects.
void append_masked(const std::byte* bytes, const std::byte* mask, std::size_t n, std::byte*& to) {
  for (std::size_t i = 0; i < n; i += 8) {
    const auto chosen = load_word<std::uint64_t>(mask + i, 0);
    const auto packed = _pext_u64(load_word<std::uint64_t>(bytes + i, 0), chosen);
    std::memcpy(to, &packed, sizeof packed);
    to += std::popcount(chosen) / 8;
  }
}

// The inverse: writes the next bytes to the places that the mask selects. Reads nothing beyond `end`.
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

// A symbol is the lowest of the upper planes, or kEscape if a plane above it is not zero.
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

#endif  // HWY_AVX3_DL

}  // namespace
}  // namespace elves::encode::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
