#include "encode/kernels/difference.hpp"

#include <cstdint>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "encode/kernels/difference.cpp"
#include "hwy/foreach_target.h"
// These come after foreach_target.h.
#include "encode/kernels/difference-inl.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class Word>
struct Xor {
  template <class V>
  static HWY_INLINE V of(V a, V b) {
    return hn::Xor(a, b);
  }
  static Word of_word(Word a, Word b) { return a ^ b; }
};

template <class Word, template <class> class Operation>
void for_words(const std::byte* a, const std::byte* b, std::size_t n_words, std::byte* to) {
  std::size_t at = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<Word> d;
  for (; at + hn::Lanes(d) <= n_words; at += hn::Lanes(d)) {
    const auto x = hn::LoadU(d, reinterpret_cast<const Word*>(a + at * sizeof(Word)));
    const auto y = hn::LoadU(d, reinterpret_cast<const Word*>(b + at * sizeof(Word)));
    hn::StoreU(Operation<Word>::of(x, y), d, reinterpret_cast<Word*>(to + at * sizeof(Word)));
  }
#endif
  for (; at < n_words; ++at) {
    Word x;
    Word y;
    std::memcpy(&x, a + at * sizeof(Word), sizeof(Word));
    std::memcpy(&y, b + at * sizeof(Word), sizeof(Word));
    const Word made = Operation<Word>::of_word(x, y);
    std::memcpy(to + at * sizeof(Word), &made, sizeof(Word));
  }
}

template <template <class> class Operation>
void for_words_of(unsigned word_bytes, const std::byte* a, const std::byte* b, std::size_t n_words, std::byte* to) {
  if (word_bytes == 1) return for_words<std::uint8_t, Operation>(a, b, n_words, to);
  if (word_bytes == 2) return for_words<std::uint16_t, Operation>(a, b, n_words, to);
  if (word_bytes == 4) return for_words<std::uint32_t, Operation>(a, b, n_words, to);
  for_words<std::uint64_t, Operation>(a, b, n_words, to);
}

void xor_all(const std::byte* a, const std::byte* b, std::size_t n_bytes, std::byte* to) {
  for_words<std::uint8_t, Xor>(a, b, n_bytes, to);
}

void subtract(unsigned word_bytes, const std::byte* values, const std::byte* base, std::size_t n_words,
              std::byte* differences) {
  for_words_of<Difference>(word_bytes, values, base, n_words, differences);
}

void add(unsigned word_bytes, const std::byte* differences, const std::byte* base, std::size_t n_words,
         std::byte* values) {
  for_words_of<Sum>(word_bytes, differences, base, n_words, values);
}

}  // namespace
}  // namespace elves::encode::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elves::encode {

HWY_EXPORT(xor_all);
HWY_EXPORT(subtract);
HWY_EXPORT(add);

void xor_bytes(const std::byte* a, const std::byte* b, std::size_t n_bytes, std::byte* to) {
  HWY_DYNAMIC_DISPATCH(xor_all)(a, b, n_bytes, to);
}

void ordered_differences(unsigned word_bytes, const std::byte* values, const std::byte* base, std::size_t n_words,
                         std::byte* differences) {
  HWY_DYNAMIC_DISPATCH(subtract)(word_bytes, values, base, n_words, differences);
}

void add_ordered_differences(unsigned word_bytes, const std::byte* differences, const std::byte* base,
                             std::size_t n_words, std::byte* values) {
  HWY_DYNAMIC_DISPATCH(add)(word_bytes, differences, base, n_words, values);
}

}  // namespace elves::encode
#endif
