#include "formats/shared/sniffer/float_evidence.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "support/entropy.hpp"

namespace elves::formats::sniffer {
namespace {

/// With fewer informative elements there is no verdict.
constexpr std::uint64_t kFewest = 64;

// Numbers of bits are in 1/65536: integers, so that every machine finds the same runs.
constexpr std::uint64_t kOneBit = 1 << 16;

template <std::size_t kBins>
struct Histogram {
  std::array<std::uint32_t, kBins> counts{};

  /// Bits of an order-0 code of all elements, with the correction for small samples by Miller and Madow.
  std::uint64_t bits() const {
    std::uint64_t n = 0;
    std::uint64_t used = 0;
    std::uint64_t sum = 0;
    for (const std::uint32_t count : counts) {
      if (count == 0) continue;
      n += count;
      used += 1;
      sum += std::uint64_t{count} * log2_fixed(count);
    }
    if (n == 0) return 0;
    const std::uint64_t whole = n * log2_fixed(static_cast<std::uint32_t>(n));
    return whole - std::min(sum, whole) + (used - 1) * kMillerMadow;
  }

  /// True if two elements share a bin at most `eighths` / 8 times as often as in a uniform distribution.
  bool is_spread(std::uint64_t eighths) const {
    std::uint64_t n = 0;
    std::uint64_t meetings = 0;
    for (const std::uint64_t count : counts) {
      n += count;
      meetings += count * (count - (count > 0));
    }
    return meetings * kBins * 8 <= eighths * n * (n - (n > 0));
  }
};

template <class Word, unsigned kExponentBits>
class Evidence {
 public:
  explicit Evidence(std::span<const std::byte> elements) {
    Word last = 0;
    for (std::size_t i = 0; i + sizeof(Word) <= elements.size(); i += sizeof(Word)) {
      Word word = 0;
      std::memcpy(&word, elements.data() + i, sizeof word);
      if (const auto magnitude = static_cast<Word>(word << 1); magnitude == 0)
        ++classes_.counts[kZero];
      else if (word == last)
        ++classes_.counts[kRepeated];
      else if (magnitude >> (kMantissaBits + 1) == 0)
        ++tiny_[word >> (kBits - 1)];
      else
        add(word);
      last = word;
    }
    classes_.counts[kInformative] = static_cast<std::uint32_t>(n_);
    classes_.counts[kTiny] = static_cast<std::uint32_t>(tiny_[0] + tiny_[1]);
  }

  bool is_little() const { return n_ < kFewest; }

  Verdict verdict() const {
    if (is_little()) return Verdict::Either;
    if (!mantissas_.is_spread(16)) return Verdict::Other;
    if (ascents_ < n_ / 16 || n_ - ascents_ < n_ / 16) return Verdict::Other;  // a sorted table, like offsets or times
    // Weights that training drove to zero are tiny and have both signs; small integers have one sign.
    const auto n_tiny = tiny_[0] + tiny_[1];
    if (n_tiny > n_ / 8 && std::min(tiny_[0], tiny_[1]) < n_tiny / 4) return Verdict::Other;
    if (bits_as_floats() * 100 > bits_as_bytes() * 97) return Verdict::Other;
    if (std::min(negative_, n_ - negative_) >= n_ / 16) return Verdict::Floats;
    // Elements of one sign may also be numbers of a table or a picture, unless the lowest byte looks random.
    return sizeof(Word) > 2 && planes_[0].is_spread(16) ? Verdict::Floats : Verdict::Either;
  }

  /// Bits of all elements as floats.
  std::uint64_t bits() const {
    return bits_as_floats() + classes_.bits() + (tiny_[0] + tiny_[1]) * (kMantissaBits + 1) * kOneBit;
  }

  /// True if the lower half of the elements looks random, like the end of a long mantissa.
  bool is_long() const { return planes_[sizeof(Word) / 2 - 1].is_spread(16); }

  /// True if the upper bits of the mantissa look as random as those of floats. Bits of an exponent never do.
  bool has_true_mantissa() const { return mantissas_.is_spread(10); }

 private:
  static constexpr unsigned kBits = 8 * sizeof(Word);
  static constexpr unsigned kMantissaBits = kBits - 1 - kExponentBits;
  static constexpr unsigned kRestBits = kMantissaBits - 7;  ///< of the mantissa, below its upper seven
  enum Class { kInformative, kZero, kRepeated, kTiny };

  void add(Word word) {
    ++n_;
    ascents_ += word > last_added_;
    last_added_ = word;
    negative_ += word >> (kBits - 1);
    // Exponents of float64 are only told apart between 2^-128 and 2^127.
    constexpr std::uint64_t kSkipped = kExponentBits > 8 ? 895 : 0;
    const std::uint64_t exponent = (word >> kMantissaBits) & ((1u << kExponentBits) - 1);
    exponents_.counts[std::min<std::uint64_t>(exponent - std::min(exponent, kSkipped), 255)] += 1;
    mantissas_.counts[(word >> kRestBits) & 127] += 1;
    for (std::size_t i = 0; i < sizeof(Word); ++i) planes_[i].counts[(word >> (8 * i)) & 255] += 1;
  }

  std::uint64_t bits_as_floats() const {
    const Histogram<2> signs{{static_cast<std::uint32_t>(n_ - negative_), static_cast<std::uint32_t>(negative_)}};
    std::uint64_t bits = signs.bits() + exponents_.bits() + mantissas_.bits();
    for (std::size_t i = 0; i < kRestBits / 8; ++i) bits += planes_[i].bits();
    constexpr unsigned kOdd = kRestBits % 8;
    if (kOdd == 0) return bits;
    Histogram<1u << kOdd> rest;
    for (std::size_t i = 0; i < 256; ++i) rest.counts[i % (1u << kOdd)] += planes_[kRestBits / 8].counts[i];
    return bits + rest.bits();
  }

  std::uint64_t bits_as_bytes() const {
    Histogram<256> all;
    for (const auto& plane : planes_) {
      for (std::size_t i = 0; i < 256; ++i) all.counts[i] += plane.counts[i];
    }
    return all.bits();
  }

  // Of informative elements: no zeros, no repetitions of the element before, no subnormal numbers.
  std::uint64_t n_ = 0;
  std::uint64_t negative_ = 0;
  std::uint64_t ascents_ = 0;  ///< elements larger than the one before, compared as unsigned integers
  Word last_added_ = 0;
  Histogram<256> exponents_;
  Histogram<128> mantissas_;
  std::array<Histogram<256>, sizeof(Word)> planes_;  ///< of the bytes of elements, the lowest byte first

  std::array<std::uint64_t, 2> tiny_{};  ///< subnormal numbers: positive, negative
  Histogram<4> classes_;
};

using F64 = Evidence<std::uint64_t, 11>;
using F32 = Evidence<std::uint32_t, 8>;
using BF16 = Evidence<std::uint16_t, 8>;
using F16 = Evidence<std::uint16_t, 5>;

/// True if supposed float32 elements are pairs of short floats. As float32, the exponent of every other short float
/// counts as random bits of a mantissa; so the float32 code is not shorter by more than chance.
template <class Short>
bool is_pair_of(const Short& half, const F32& f32) {
  return half.verdict() != Verdict::Other && half.bits() * 98 <= f32.bits() * 100;
}

/// Tells bfloat16 from float16. Read as bfloat16, a float16 has some bits of its mantissa in the exponent; read as
/// float16, a bfloat16 has some bits of its exponent in the mantissa, which then does not look random.
Judgement judge_half(const BF16& bf16, const F16& f16) {
  if (bf16.is_little()) return {Verdict::Either, DType::BF16};
  const auto verdict = f16.verdict();
  if (verdict != Verdict::Other && f16.has_true_mantissa()) return {verdict, DType::F16};
  return {bf16.verdict(), DType::BF16};
}

}  // namespace

Judgement judge(DType supposed, std::span<const std::byte> elements) {
  if (supposed == DType::F64) return {F64(elements).verdict(), DType::F64};
  if (supposed == DType::F16) return {F16(elements).verdict(), DType::F16};
  if (supposed == DType::BF16) return judge_half(BF16(elements), F16(elements));
  const F32 f32(elements);
  if (f32.is_little() || f32.is_long()) return {f32.verdict(), DType::F32};
  const BF16 bf16(elements);
  const F16 f16(elements);
  if (is_pair_of(bf16, f32) || is_pair_of(f16, f32)) return judge_half(bf16, f16);
  return {f32.verdict(), DType::F32};
}

}  // namespace elves::formats::sniffer
