#include "encode/transforms/planes/kernel.hpp"

#include <cstdint>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "encode/transforms/planes/kernel.cpp"
#include "hwy/foreach_target.h"
// These come after foreach_target.h.
#include "encode/kernels/byte_transpose-inl.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::HWY_NAMESPACE {
namespace {

#if HWY_TARGET != HWY_SCALAR

template <class Word>
HWY_INLINE ByteVector rotate_left(ByteVector words) {
  const hn::Repartition<Word, Bytes> d;
  const auto v = hn::BitCast(d, words);
  if constexpr (sizeof(Word) >= 4) {
    return hn::BitCast(Bytes(), hn::RotateRight<8 * sizeof(Word) - 1>(v));
  } else {
    const hn::RebindToSigned<decltype(d)> di;
    const auto minus_sign = hn::BitCast(d, hn::BroadcastSignBit(hn::BitCast(di, v)));
    return hn::BitCast(Bytes(), hn::Sub(hn::Add(v, v), minus_sign));
  }
}

template <class Word>
HWY_INLINE ByteVector rotate_right(ByteVector words) {
  const hn::Repartition<Word, Bytes> d;
  const auto v = hn::BitCast(d, words);
  if constexpr (sizeof(Word) >= 4) {
    return hn::BitCast(Bytes(), hn::RotateRight<1>(v));
  } else {
    return hn::BitCast(Bytes(), hn::Or(hn::ShiftRight<1>(v), hn::ShiftLeft<8 * sizeof(Word) - 1>(v)));
  }
}

template <class Word, bool kRotate>
std::size_t split_vectors(const std::byte* words, std::size_t n_words, PlanesOut<sizeof(Word)> planes) {
  std::size_t at = 0;
  for (; at + kVectorBytes <= n_words; at += kVectorBytes) {
    ByteVector vectors[sizeof(Word)];
    for (std::size_t j = 0; j < sizeof(Word); ++j) {
      vectors[j] = load_bytes(words + at * sizeof(Word) + j * kVectorBytes);
      if constexpr (kRotate) vectors[j] = rotate_left<Word>(vectors[j]);
    }
    store_planes<sizeof(Word)>(vectors, planes, at);
  }
  return at;
}

template <class Word, bool kRotate>
std::size_t join_vectors(PlanesIn<sizeof(Word)> planes, std::size_t n_words, std::byte* words) {
  std::size_t at = 0;
  for (; at + kVectorBytes <= n_words; at += kVectorBytes) {
    ByteVector vectors[sizeof(Word)];
    load_planes<sizeof(Word)>(planes, at, vectors);
    for (std::size_t j = 0; j < sizeof(Word); ++j) {
      if constexpr (kRotate) vectors[j] = rotate_right<Word>(vectors[j]);
      store_bytes(vectors[j], words + at * sizeof(Word) + j * kVectorBytes);
    }
  }
  return at;
}

#endif

template <class Word, bool kRotate>
void split_words(const std::byte* words, std::size_t n_words, std::span<std::byte* const> planes) {
  std::size_t at = 0;
#if HWY_TARGET != HWY_SCALAR
  at = split_vectors<Word, kRotate>(words, n_words, PlanesOut<sizeof(Word)>(planes));
#endif
  for (; at < n_words; ++at) {
    Word word;
    std::memcpy(&word, words + at * sizeof(Word), sizeof(Word));
    if constexpr (kRotate) word = static_cast<Word>(word << 1 | word >> (8 * sizeof(Word) - 1));
    for (std::size_t k = 0; k < planes.size(); ++k) {
      planes[k][at] = static_cast<std::byte>(word >> (8 * (sizeof(Word) - 1 - k)));
    }
  }
}

template <class Word, bool kRotate>
void join_words(std::span<const std::byte* const> planes, std::size_t n_words, std::byte* words) {
  std::size_t at = 0;
#if HWY_TARGET != HWY_SCALAR
  at = join_vectors<Word, kRotate>(PlanesIn<sizeof(Word)>(planes), n_words, words);
#endif
  for (; at < n_words; ++at) {
    Word word = 0;
    for (std::size_t k = 0; k < planes.size(); ++k) {
      word = static_cast<Word>(word | static_cast<Word>(planes[k][at]) << (8 * (sizeof(Word) - 1 - k)));
    }
    if constexpr (kRotate) word = static_cast<Word>(word >> 1 | word << (8 * sizeof(Word) - 1));
    std::memcpy(words + at * sizeof(Word), &word, sizeof(Word));
  }
}

template <class Word>
void split_words_of(bool rotate, const std::byte* words, std::size_t n_words, std::span<std::byte* const> planes) {
  if (rotate) return split_words<Word, true>(words, n_words, planes);
  split_words<Word, false>(words, n_words, planes);
}

template <class Word>
void join_words_of(bool rotate, std::span<const std::byte* const> planes, std::size_t n_words, std::byte* words) {
  if (rotate) return join_words<Word, true>(planes, n_words, words);
  join_words<Word, false>(planes, n_words, words);
}

void split(WordShape shape, const std::byte* words, std::size_t n_words, std::span<std::byte* const> planes) {
  if (shape.n_bytes == 1) return split_words_of<std::uint8_t>(shape.rotate, words, n_words, planes);
  if (shape.n_bytes == 2) return split_words_of<std::uint16_t>(shape.rotate, words, n_words, planes);
  if (shape.n_bytes == 4) return split_words_of<std::uint32_t>(shape.rotate, words, n_words, planes);
  split_words_of<std::uint64_t>(shape.rotate, words, n_words, planes);
}

void join(WordShape shape, std::span<const std::byte* const> planes, std::size_t n_words, std::byte* words) {
  if (shape.n_bytes == 1) return join_words_of<std::uint8_t>(shape.rotate, planes, n_words, words);
  if (shape.n_bytes == 2) return join_words_of<std::uint16_t>(shape.rotate, planes, n_words, words);
  if (shape.n_bytes == 4) return join_words_of<std::uint32_t>(shape.rotate, planes, n_words, words);
  join_words_of<std::uint64_t>(shape.rotate, planes, n_words, words);
}

}  // namespace
}  // namespace elves::encode::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elves::encode {

HWY_EXPORT(split);
HWY_EXPORT(join);

void split_planes(WordShape shape, const std::byte* words, std::size_t n_words, std::span<std::byte* const> planes) {
  HWY_DYNAMIC_DISPATCH(split)(shape, words, n_words, planes);
}

void join_planes(WordShape shape, std::span<const std::byte* const> planes, std::size_t n_words, std::byte* words) {
  HWY_DYNAMIC_DISPATCH(join)(shape, planes, n_words, words);
}

}  // namespace elves::encode
#endif
