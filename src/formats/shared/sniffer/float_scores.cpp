#include "formats/shared/sniffer/float_scores.hpp"

#include <algorithm>
#include <cstring>

namespace elves::formats::sniffer {
namespace {

constexpr int kNever = -6 * kScoresPerBit;

/// The score of an exponent that is `above` the largest usual one, or `below` the smallest: it falls with the distance.
constexpr int falling(int best, int above, int below) {
  return std::max(kNever, best - 10 * std::max(above, 0) - 3 * std::max(below, 0));
}

/// Weights of all kinds of models lie between 2^-11 and 2; each of these exponents has a share of about 1/16.
constexpr int kLargestUsual = 0;
constexpr int kSmallestUsual = -11;

/// Squares of gradients in the states of optimizers have a wide range of small exponents.
constexpr int kSmallestOfSquares = -55;

constexpr int float32_score(int exponent) {
  if (exponent == 0 || exponent == 255) return kNever;
  const int power = exponent - 127;
  const int score = falling(4 * kScoresPerBit, power - kLargestUsual, kSmallestUsual - power);
  return kSmallestOfSquares <= power && power < kSmallestUsual ? std::max(score, kScoresPerBit) : score;
}

constexpr int float16_score(int exponent) {
  if (exponent == 0) return -kScoresPerBit;
  if (exponent == 31) return kNever;
  const int power = exponent - 15;
  return falling(10, power - kLargestUsual, kSmallestUsual - power);
}

/// By the upper 8 of the 11 bits of the exponent: 127 are the powers -7 to 0.
constexpr int float64_score(int exponent) {
  if (exponent == 126 || exponent == 127) return 5 * kScoresPerBit;
  if (exponent == 125 || exponent == 128) return 3 * kScoresPerBit;
  return exponent == 124 ? 0 : kNever;
}

/// The scores of four bytes as a float32, as the upper half of a float64, and of their upper two as a bfloat16, in one
/// word, so that one addition sums all three. Increased by kMoved to be positive.
constexpr int kMoved = -kNever;
constexpr std::uint64_t packed(int f32, int bf16, int f64) {
  const auto field = [](int score, unsigned at) { return static_cast<std::uint64_t>(score + kMoved) << at; };
  return field(f32, 0) | field(bf16, 16) | field(f64, 32);
}
constexpr unsigned kF32At = 0;
constexpr unsigned kBF16At = 16;
constexpr unsigned kF64At = 32;

constexpr std::uint64_t kZero = packed(0, 0, 0);
constexpr std::uint64_t kZeroAbove = packed(kNever, 0, 0);  // no float32 but zero in its upper half

/// By the sign and the next eight bits.
constexpr auto kWordScores = [] {
  std::array<std::uint64_t, 512> scores{};
  for (int i = 0; i < 512; ++i) {
    const int exponent = i & 255;
    scores[i] = packed(float32_score(exponent), float32_score(exponent), float64_score(exponent));
  }
  return scores;
}();

/// By the upper byte of a float16.
constexpr auto kHalfScores = [] {
  std::array<std::uint32_t, 256> scores{};
  for (int i = 0; i < 256; ++i) {
    const bool maybe_zero = (i & 127) == 0;
    scores[i] = static_cast<std::uint32_t>((maybe_zero ? 0 : float16_score((i >> 2) & 31)) + kMoved);
  }
  return scores;
}();

std::uint64_t word_scores(const std::byte* at) {
  std::uint32_t word = 0;
  std::memcpy(&word, at, sizeof word);
  if ((word & 0x7FFFFFFF) == 0) return kZero;
  if ((word & 0x7FFF0000) == 0) return kZeroAbove;
  return kWordScores[word >> 23];
}

std::uint32_t half_scores(const std::byte* at) {
  return kHalfScores[std::to_integer<std::uint8_t>(at[1])];
}

int field(std::uint64_t sums, unsigned at, int n) {
  return static_cast<int>((sums >> at) & 0xFFFF) - n * kMoved;
}

}  // namespace

BlockScores block_scores(const std::byte* block) {
  static_assert(kBlockBytes % 8 == 0 && kBlockBytes / 8 * 2 * kMoved < 0x10000, "a field holds its sum");
  std::array<std::uint64_t, 8> words{};
  std::array<std::uint32_t, 2> halves{};
  for (std::size_t i = 0; i < kBlockBytes; i += 8) {
    for (std::size_t k = 0; k < 8; ++k) {
      words[k] += word_scores(block + i + k);
      halves[k & 1] += half_scores(block + i + k);
    }
  }
  constexpr int kWords = kBlockBytes / 8;
  BlockScores scores{};
  for (std::size_t row = 0; row < kFloatKinds.size(); ++row) {
    const auto& kind = kFloatKinds[row];
    // A word is the upper half of the float64 that begins four bytes before it, and its upper half is a bfloat16.
    if (kind.dtype == DType::F64) scores[row] = field(words[(kind.phase + 4u) % 8], kF64At, kWords);
    if (kind.dtype == DType::F16) scores[row] = static_cast<int>(halves[kind.phase]) - 4 * kWords * kMoved;
    for (std::size_t k = 0; k < 8; ++k) {
      if (kind.dtype == DType::F32 && k % 4 == kind.phase) scores[row] += field(words[k], kF32At, kWords);
      if (kind.dtype == DType::BF16 && k % 2 == kind.phase) scores[row] += field(words[k], kBF16At, kWords);
    }
  }
  return scores;
}

int element_score(const FloatKind& kind, const std::byte* element) {
  switch (kind.dtype) {
    case DType::F32:
      return field(word_scores(element), kF32At, 1);
    case DType::F64:
      return field(word_scores(element + 4), kF64At, 1);
    case DType::F16:
      return static_cast<int>(half_scores(element)) - kMoved;
    default: {
      std::array<std::byte, 4> word{std::byte{1}, std::byte{0}, element[0], element[1]};
      return field(word_scores(word.data()), kBF16At, 1);
    }
  }
}

}  // namespace elves::formats::sniffer
