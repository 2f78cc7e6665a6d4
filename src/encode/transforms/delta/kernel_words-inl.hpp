// Words, contexts and differences of delta: what both bodies of the kernel use. Included once for each target of
// Highway.
#if defined(ELVES_DELTA_KERNEL_WORDS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ELVES_DELTA_KERNEL_WORDS_INL
#undef ELVES_DELTA_KERNEL_WORDS_INL
#else
#define ELVES_DELTA_KERNEL_WORDS_INL
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "encode/kernels/byte_transpose-inl.hpp"
#include "encode/kernels/difference-inl.hpp"
#include "encode/transforms/delta/kernel.hpp"
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

// Calls `with` with an unsigned integer of `word_bytes`.
template <class With>
auto with_word(unsigned word_bytes, With with) {
  if (word_bytes == 1) return with(std::uint8_t{});
  if (word_bytes == 2) return with(std::uint16_t{});
  if (word_bytes == 4) return with(std::uint32_t{});
  return with(std::uint64_t{});
}

// A word whose top byte is the context of `word`.
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

}  // namespace
}  // namespace elves::encode::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
