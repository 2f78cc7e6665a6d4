#include "families/prediction.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "support/assert.hpp"
#include "support/entropy.hpp"
#include "support/zigzag.hpp"

namespace elves::families {
namespace {

constexpr unsigned kElfScaleF64 = 30;  // ELF integers of F64 are in units of 2^-30: all that 32 bits hold
constexpr unsigned kLengths = 33;
constexpr std::uint64_t kOutlierBits = 12;  // of the position of a value that ELF stores apart
constexpr std::uint32_t kFewestInContext = 32;

// k log2 k for the counts of samples.
constexpr auto kKLogK = [] {
  std::array<std::uint32_t, kMostSamples + 1> values{};
  for (std::uint32_t k = 1; k <= kMostSamples; ++k) values[k] = k * log2_fixed(k);
  return values;
}();

// Adds up the bits of all symbols of a histogram, in units of 2^-16, with the correction of Miller and Madow.
class Entropy {
 public:
  void add(std::uint32_t count) {
    if (count == 0) return;
    n_ += count;
    sum_ += kKLogK[count];
    ++n_symbols_;
  }
  std::uint64_t total() const {
    return n_symbols_ < 2 ? 0 : kKLogK[n_] - sum_ + std::uint64_t{n_symbols_ - 1} * kMillerMadow;
  }

 private:
  std::uint32_t n_ = 0;
  std::uint32_t sum_ = 0;
  std::uint32_t n_symbols_ = 0;
};

unsigned bit_length(std::uint32_t x) {
  return static_cast<unsigned>(std::bit_width(x));
}

template <class Word>
void load(std::span<const std::byte> sketch, std::uint32_t* patterns) {
  for (std::size_t i = 0; i < sketch.size() / sizeof(Word); ++i) {
    Word word;
    std::memcpy(&word, sketch.data() + i * sizeof(Word), sizeof(Word));
    patterns[i] = word;
  }
}

std::size_t load_patterns(const SampleFormat& format, std::span<const std::byte> sketch, std::uint32_t* patterns) {
  if (format.bytes == 4) load<std::uint32_t>(sketch, patterns);
  if (format.bytes == 2) load<std::uint16_t>(sketch, patterns);
  if (format.bytes == 1) load<std::uint8_t>(sketch, patterns);
  return sketch.size() / format.bytes;
}

// Inverts all bits of a negative float and the sign of others: then the order of the floats is that of the integers.
std::uint32_t ordered(std::uint32_t pattern, unsigned shift) {
  const std::uint32_t word = pattern << shift;
  return word ^ (static_cast<std::uint32_t>(static_cast<std::int32_t>(word) >> 31) | 0x8000'0000u);
}

unsigned elf_scale(const SampleFormat& format) {
  return format.number_bytes == 8 ? kElfScaleF64 : format.mantissa_bits;
}

std::uint32_t exponent_of(const SampleFormat& format, std::uint32_t pattern) {
  return pattern >> format.mantissa_bits & ((1u << format.exponent_bits) - 1);
}

std::uint32_t elf_integer(const SampleFormat& format, std::uint32_t pattern) {
  const std::uint32_t exponent = exponent_of(format, pattern);
  const std::uint32_t bias = (1u << (format.exponent_bits - 1)) - 1;
  if (exponent >= bias) return Samples::kOutlier;
  if (exponent == 0) return 0;
  const std::uint64_t mantissa = (pattern & ((1u << format.mantissa_bits) - 1)) | 1u << format.mantissa_bits;
  // value * 2^scale = mantissa * 2^(exponent - bias - mantissa_bits + scale), rounded.
  const std::uint32_t down = bias - exponent + 1;
  if (down > 40) return 0;
  const std::uint64_t fine = mantissa << (elf_scale(format) - format.mantissa_bits + 1);
  const auto magnitude = static_cast<std::uint32_t>(((fine >> (down - 1)) / 2 + 1) / 2);
  const bool negative = (pattern >> (8 * format.bytes - 1) & 1) != 0;
  return negative ? 0 - magnitude : magnitude;
}

std::uint32_t magnitude_of(std::uint32_t elf_integer) {
  return static_cast<std::int32_t>(elf_integer) < 0 ? 0 - elf_integer : elf_integer;
}

// Samples of similar magnitude share a context, so that each context has enough of them for an entropy.
void group_classes(std::span<const std::uint8_t> magnitude_class, Samples& samples) {
  std::array<std::uint32_t, 64> counts{};
  for (const auto c : magnitude_class) ++counts[c];
  const std::uint32_t least =
      std::max(kFewestInContext, samples.n / static_cast<std::uint32_t>(Samples::kMostContexts));
  std::array<std::uint8_t, 64> context{};
  std::uint32_t in_context = 0;
  std::uint32_t left = samples.n;
  std::uint8_t number = 0;
  for (std::size_t c = 0; c < counts.size(); ++c) {
    context[c] = number;
    in_context += counts[c];
    left -= counts[c];
    if (in_context < least || left < least) continue;
    if (number + 1u < Samples::kMostContexts) ++number;
    in_context = 0;
  }
  samples.n_contexts = number + 1u;
  for (std::size_t i = 0; i < samples.n; ++i) samples.context[i] = context[magnitude_class[i]];
}

// The class of the largest numbers is 0; half the magnitude is one class higher.
void classify(std::span<const std::uint32_t> log2_magnitude, std::span<std::uint8_t> magnitude_class) {
  const std::uint32_t top = *std::max_element(log2_magnitude.begin(), log2_magnitude.end());
  for (std::size_t i = 0; i < log2_magnitude.size(); ++i)
    magnitude_class[i] = static_cast<std::uint8_t>(std::min<std::uint32_t>(top - log2_magnitude[i], 63));
}

std::size_t count_distinct(std::span<const std::uint32_t> words) {
  std::array<std::uint32_t, kMostSamples> sorted;
  const auto end = std::copy(words.begin(), words.end(), sorted.begin());
  std::sort(sorted.begin(), end);
  return static_cast<std::size_t>(std::unique(sorted.begin(), end) - sorted.begin());
}

// If there are few different words, coding whole words beats coding exponents.
constexpr std::uint64_t kNoFewWords = ~std::uint64_t{0};
std::uint64_t entropy_of_few_words(const Samples& own) {
  const std::size_t most = own.n / 8;
  if (count_distinct(std::span(own.values).first(own.n / 4)) > most) return kNoFewWords;
  std::array<std::uint32_t, kMostSamples> sorted;
  const auto end = std::copy_n(own.values.begin(), own.n, sorted.begin());
  std::sort(sorted.begin(), end);
  Entropy entropy;
  std::uint32_t n_words = 0;
  for (auto at = sorted.begin(); at != end; ++n_words) {
    const auto next = std::upper_bound(at, end, *at);
    entropy.add(static_cast<std::uint32_t>(next - at));
    at = next;
  }
  return n_words <= most ? entropy.total() : kNoFewWords;
}

class Lengths {
 public:
  void add(std::size_t context, unsigned length) { ++counts_[context * kLengths + length]; }

  std::uint64_t entropy(std::size_t n_contexts) const {
    std::uint64_t total = 0;
    for (std::size_t context = 0; context < n_contexts; ++context) {
      Entropy of_context;
      for (std::size_t length = 0; length < kLengths; ++length) of_context.add(counts_[context * kLengths + length]);
      total += of_context.total();
    }
    return total;
  }

 private:
  std::array<std::uint16_t, Samples::kMostContexts * kLengths> counts_{};
};

// Whole bits below the highest of a word of this length. Bits that samples do not have count as random.
std::uint64_t raw_bits(unsigned length, unsigned missing) {
  return length == 0 ? 0 : length - 1 + missing;
}

// Numbers converted from a shorter type end in zeros, which cost nothing.
unsigned zero_bits(const SampleFormat& format, std::uint32_t used_bits) {
  return std::min<unsigned>(static_cast<unsigned>(std::countr_zero(used_bits)), format.mantissa_bits);
}

struct Sum {
  Lengths lengths;
  std::uint64_t raw = 0;
  std::uint32_t n = 0;
};

struct PatternDifference {
  explicit PatternDifference(const Samples& own, const Samples& base) {
    const unsigned zeros = zero_bits(own.format, own.used_bits | base.used_bits);
    shift = 32 - 8 * own.format.bytes + zeros;
    missing = zeros == 0 ? own.format.missing_bits() : 0;
  }

  void operator()(std::uint32_t own, std::uint32_t base, std::size_t context, Sum& sum) const {
    const std::int32_t difference = static_cast<std::int32_t>(own - base) >> shift;
    const unsigned length = bit_length(zigzag(static_cast<std::uint32_t>(difference)));
    sum.lengths.add(context, length);
    sum.raw += raw_bits(length, missing);
  }

  unsigned shift;
  unsigned missing;
};

struct ElfDifference {
  explicit ElfDifference(const Samples& own) {
    missing = own.format.number_bytes == 8 ? 52 - kElfScaleF64 : 0;
    outlier = 8 * own.format.number_bytes + kOutlierBits;
  }

  void operator()(std::uint32_t own, std::uint32_t base, std::size_t context, Sum& sum) const {
    if (own == Samples::kOutlier) {
      sum.raw += outlier;
      return;
    }
    const unsigned length = bit_length(zigzag(own - (base == Samples::kOutlier ? 0 : base)));
    sum.lengths.add(context, length);
    sum.raw += raw_bits(length, missing);
  }

  unsigned missing;
  std::uint64_t outlier;
};

template <class Difference>
Sum differences(const Samples& own, const Samples& base, const Difference& difference) {
  Sum sum;
  const std::size_t n = std::min(own.n, base.n);
  const bool same = own.n_numbers == base.n_numbers;
  for (std::size_t i = 0; i < n; ++i) {
    if (!same && sample_position(i, own.n_numbers) != sample_position(i, base.n_numbers)) continue;
    difference(own.values[i], base.values[i], base.context[i], sum);
    ++sum.n;
  }
  return sum;
}

std::uint32_t pattern_of(std::uint32_t ordered, unsigned shift) {
  return ((ordered & 0x8000'0000u) != 0 ? ordered ^ 0x8000'0000u : ~ordered) >> shift;
}

std::uint64_t standalone_of_patterns(const Samples& own) {
  const SampleFormat& format = own.format;
  const unsigned zeros = zero_bits(format, own.used_bits);
  const unsigned missing = zeros == 0 ? format.missing_bits() : 0;
  std::array<std::uint32_t, 1u << 11> counts{};
  std::uint64_t n_nonzero = 0;
  for (std::size_t i = 0; i < own.n; ++i) {
    const std::uint32_t pattern = pattern_of(own.values[i], 32 - 8 * format.bytes);
    ++counts[exponent_of(format, pattern)];
    if (pattern != 0) ++n_nonzero;
  }
  Entropy entropy;
  for (const auto count : counts) entropy.add(count);
  return entropy.total() + n_nonzero * (1 + format.mantissa_bits - zeros + missing) * kOneBit;
}

// As a difference from zero: its zigzag has the sign in the lowest bit.
std::uint64_t standalone_of_elf(const Samples& own) {
  const ElfDifference difference(own);
  Sum sum;
  for (std::size_t i = 0; i < own.n; ++i) difference(own.values[i], 0, 0, sum);
  return sum.lengths.entropy(1) + sum.raw * kOneBit;
}

}  // namespace

std::size_t ordered_samples(DType dtype, std::span<const std::byte> sketch, std::span<std::uint32_t, kMostSamples> to) {
  const SampleFormat format = sample_format(dtype);
  const std::size_t n = load_patterns(format, sketch, to.data());
  for (std::size_t i = 0; i < n; ++i) to[i] = ordered(to[i], 32 - 8 * format.bytes);
  return n;
}

namespace {

// The guard of ELF at 70 dB.
bool has_signal(DType dtype, const Samples& samples) {
  // The samples of F64 are in units far above the error of ELF: any sample but zero has enough power.
  const auto values = std::span(samples.values).first(samples.n);
  if (dtype == DType::F64)
    return std::any_of(values.begin(), values.end(), [](std::uint32_t value) { return value != 0; });
  const std::uint64_t outlier = std::uint64_t{1} << elf_scale(samples.format);
  std::uint64_t power = 0;
  for (const auto value : values) {
    const std::uint64_t magnitude = value == Samples::kOutlier ? outlier : magnitude_of(value);
    power += magnitude * magnitude;
  }
  // The power of the error is a twelfth of the square of the unit; 70 dB is 10^7 times that.
  return power / samples.n >= 10'000'000 / 12;
}

}  // namespace

bool elf_takes(DType dtype, std::uint64_t layer_bytes, std::span<const std::byte> sketch) {
  if (dtype != DType::F16 && dtype != DType::F32 && dtype != DType::F64) return false;
  Samples samples;
  load_samples(dtype, layer_bytes, sketch, Words::Elf, samples);
  if (!has_signal(dtype, samples)) return false;
  const std::uint64_t with_elf = predict_standalone(samples);
  load_samples(dtype, layer_bytes, sketch, Words::Patterns, samples);
  return with_elf * 51 <
         std::uint64_t{predict_standalone(samples)} * 50;  // as the encoder, which prefers exact transforms
}

void load_samples(DType dtype, std::uint64_t layer_bytes, std::span<const std::byte> sketch, Words words,
                  Samples& samples) {
  const SampleFormat format = sample_format(dtype);
  samples.format = format;
  samples.words = words;
  samples.n_numbers = layer_bytes / format.number_bytes;
  samples.n = static_cast<std::uint32_t>(load_patterns(format, sketch, samples.values.data()));
  samples.used_bits = 0;
  for (std::size_t i = 0; i < samples.n; ++i) samples.used_bits |= samples.values[i];
  if (words == Words::Elf)
    for (std::size_t i = 0; i < samples.n; ++i) samples.values[i] = elf_integer(format, samples.values[i]);
  else
    for (std::size_t i = 0; i < samples.n; ++i) samples.values[i] = ordered(samples.values[i], 32 - 8 * format.bytes);
}

void find_contexts(Samples& samples) {
  const SampleFormat& format = samples.format;
  std::array<std::uint32_t, kMostSamples> log2_magnitude;
  for (std::size_t i = 0; i < samples.n; ++i) {
    const std::uint32_t value = samples.values[i];
    if (samples.words == Words::Elf)
      log2_magnitude[i] = bit_length(value == Samples::kOutlier ? 0 : magnitude_of(value));
    else
      log2_magnitude[i] = exponent_of(format, pattern_of(value, 32 - 8 * format.bytes));
  }
  std::array<std::uint8_t, kMostSamples> magnitude_class;
  classify(std::span(log2_magnitude).first(samples.n), magnitude_class);
  group_classes(std::span(magnitude_class).first(samples.n), samples);
}

Bits predict_standalone(const Samples& own) {
  if (own.n == 0) return 0;
  const std::uint64_t by_magnitude = own.words == Words::Elf ? standalone_of_elf(own) : standalone_of_patterns(own);
  return static_cast<Bits>(std::min(by_magnitude, entropy_of_few_words(own)) / own.n);
}

Bits predict_delta(const Samples& own, const Samples& base, Bits standalone) {
  ELVES_ASSERT(own.words == base.words && own.format.bytes == base.format.bytes);
  const Sum sum = own.words == Words::Elf ? differences(own, base, ElfDifference(own))
                                          : differences(own, base, PatternDifference(own, base));
  if (sum.n == 0) return standalone;
  const std::uint64_t common = (sum.lengths.entropy(base.n_contexts) + sum.raw * kOneBit) / sum.n;
  if (own.n_numbers <= base.n_numbers) return static_cast<Bits>(common);
  const std::uint64_t n_behind = own.n_numbers - base.n_numbers;
  return static_cast<Bits>((common * base.n_numbers + standalone * n_behind) / own.n_numbers);
}

}  // namespace elves::families
