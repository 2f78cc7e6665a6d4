#include "encode/transforms/planes/kernel.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "encode/simd.hpp"

namespace elves::encode {
namespace {

constexpr std::size_t kBlock = 2048;  // words between planes: they stay in the first level cache

template <class Word>
ELVES_ALWAYS_INLINE Word load(const std::byte* from, std::size_t i) {
  Word word;
  std::memcpy(&word, from + i * sizeof(Word), sizeof(Word));
  return word;
}

template <class Word, bool kRotate>
struct SplitPlane {
  ELVES_ALWAYS_INLINE static void run(const std::byte* __restrict words, std::size_t n, unsigned shift,
                                      std::byte* __restrict plane) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto word = load<Word>(words, i);
      const Word turned = kRotate ? static_cast<Word>(word << 1 | word >> (8 * sizeof(Word) - 1)) : word;
      plane[i] = static_cast<std::byte>(turned >> shift);
    }
  }
};

template <class Word, bool kRotate, std::size_t kPlanes>
struct JoinPlanes {
  ELVES_ALWAYS_INLINE static void run(const std::byte* const* planes, std::size_t n, std::byte* __restrict words) {
    const std::byte* from[kPlanes];
    for (std::size_t k = 0; k < kPlanes; ++k) from[k] = planes[k];
    for (std::size_t i = 0; i < n; ++i) {
      Word word = 0;
      for (std::size_t k = 0; k < kPlanes; ++k) {
        const auto shift = 8 * (sizeof(Word) - 1 - k);
        word = static_cast<Word>(word | static_cast<Word>(static_cast<Word>(from[k][i]) << shift));
      }
      if (kRotate) word = static_cast<Word>(word >> 1 | word << (8 * sizeof(Word) - 1));
      std::memcpy(words + i * sizeof(Word), &word, sizeof(Word));
    }
  }
};

template <class Word, bool kRotate>
void split_words(const std::byte* words, std::size_t n_words, std::span<std::byte* const> planes) {
  for (std::size_t at = 0; at < n_words; at += kBlock) {
    const auto n = std::min(kBlock, n_words - at);
    for (std::size_t k = 0; k < planes.size(); ++k) {
      const auto shift = static_cast<unsigned>(8 * (sizeof(Word) - 1 - k));
      run_kernel<SplitPlane<Word, kRotate>>(words + at * sizeof(Word), n, shift, planes[k] + at);
    }
  }
}

template <class Word, bool kRotate, std::size_t kPlanes = sizeof(Word)>
void join_words(std::span<const std::byte* const> planes, std::size_t n_words, std::byte* words) {
  if constexpr (kPlanes > 1) {
    if (planes.size() < kPlanes) return join_words<Word, kRotate, kPlanes - 1>(planes, n_words, words);
  }
  run_kernel<JoinPlanes<Word, kRotate, kPlanes>>(planes.data(), n_words, words);
}

// Calls `with` with a word of the shape's width and whether it is rotated.
template <class With>
void with_shape(WordShape shape, With with) {
  const auto rotated = [&](auto word) {
    if (shape.rotate) return with(word, std::true_type{});
    with(word, std::false_type{});
  };
  if (shape.n_bytes == 1) return rotated(std::uint8_t{});
  if (shape.n_bytes == 2) return rotated(std::uint16_t{});
  if (shape.n_bytes == 4) return rotated(std::uint32_t{});
  rotated(std::uint64_t{});
}

}  // namespace

void split_planes(WordShape shape, const std::byte* words, std::size_t n_words, std::span<std::byte* const> planes) {
  with_shape(shape, [&](auto word, auto rotate) { split_words<decltype(word), rotate()>(words, n_words, planes); });
}

void join_planes(WordShape shape, std::span<const std::byte* const> planes, std::size_t n_words, std::byte* words) {
  with_shape(shape, [&](auto word, auto rotate) { join_words<decltype(word), rotate()>(planes, n_words, words); });
}

}  // namespace elves::encode
