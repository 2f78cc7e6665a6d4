// On every target that this CPU supports, each kernel gives the same bits as a plain implementation (its twin) in this
// file.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <type_traits>

#include "encode/kernels/histogram.hpp"
#include "encode/transforms/delta/elf_kernel.hpp"
#include "encode/transforms/delta/kernel.hpp"
#include "encode/transforms/elf/kernel.hpp"
#include "encode/transforms/planes/kernel.hpp"
#include "hwy/highway.h"
#include "unit/encode/chunk_data.hpp"

namespace elves::encode {
namespace {

using testing::Bytes;

// Sizes around those of vectors (16, 32 and 64 bytes) and of blocks (1024 elements).
const std::vector<std::size_t> kSizes{0,  1,  2,  3,   7,   8,   15,  16,  17,  31,   32,   33,   47,
                                      63, 64, 65, 127, 128, 129, 191, 257, 500, 1023, 1024, 1025, 3000};

void on_every_target(const std::function<void()>& test) {
  for (const auto target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    SCOPED_TRACE(hwy::TargetName(target));
    test();
  }
  hwy::SetSupportedTargetsForTest(0);
}

template <class With>
void with_every_word(With with) {
  with(std::uint8_t{});
  with(std::uint16_t{});
  with(std::uint32_t{});
  with(std::uint64_t{});
}

// Bit patterns of floats of this width: a third special values (zeros, denormals, infinities, NaN, neighbours of 1), a
// third weights, a third random.
template <class Word>
std::vector<Word> words(std::size_t n, std::uint64_t seed) {
  constexpr unsigned kBits = 8 * sizeof(Word);
  constexpr unsigned kMantissa = kBits == 64 ? 52 : kBits == 32 ? 23 : kBits == 16 ? 10 : 3;
  constexpr Word kAllButSign = std::numeric_limits<Word>::max() / 2;
  constexpr Word kInfinity = static_cast<Word>(kAllButSign >> kMantissa << kMantissa);
  constexpr Word kOne = static_cast<Word>((kInfinity >> 1) >> kMantissa << kMantissa);
  const std::vector<Word> special{0,
                                  1,
                                  kInfinity,
                                  static_cast<Word>(kInfinity + 1),
                                  kAllButSign,
                                  kOne,
                                  static_cast<Word>(kOne - 1),
                                  static_cast<Word>(kOne - 2),
                                  static_cast<Word>(kOne + 1),
                                  static_cast<Word>(Word{1} << kMantissa),
                                  static_cast<Word>((Word{1} << kMantissa) - 1)};
  testing::Random random(seed);
  std::vector<Word> made(n);
  for (auto& word : made) {
    const auto bits = static_cast<Word>(random.bits() >> (64 - kBits));
    const auto sign = static_cast<Word>(bits >> (kBits - 1) << (kBits - 1));
    const auto kind = random.below(3);
    word = bits;
    if (kind == 0) word = static_cast<Word>(sign | special[random.below(special.size())]);
    if (kind == 1) word = static_cast<Word>(sign | static_cast<Word>(bits & ~sign) % kOne);
  }
  return made;
}

// Bytes at an odd address, followed by a guard that a kernel must not change.
class GuardedBytes {
 public:
  explicit GuardedBytes(std::size_t n) : bytes_(n + 1 + kGuard, kUntouched) {}
  ~GuardedBytes() {
    EXPECT_EQ(Bytes(bytes_.end() - kGuard, bytes_.end()), Bytes(kGuard, kUntouched)) << "written past the end";
    EXPECT_EQ(bytes_[0], kUntouched) << "written before the beginning";
  }

  std::byte* data() { return bytes_.data() + 1; }
  Bytes get() const { return {bytes_.begin() + 1, bytes_.end() - kGuard}; }

 private:
  static constexpr std::ptrdiff_t kGuard = 128;
  static constexpr std::byte kUntouched{0xA5};
  Bytes bytes_;
};

std::vector<std::byte*> pointers(std::vector<GuardedBytes>& planes) {
  std::vector<std::byte*> all;
  for (auto& plane : planes) all.push_back(plane.data());
  return all;
}

TEST(KernelTargets, are_more_than_one) {
#if HWY_ARCH_X86
  EXPECT_GT(hwy::SupportedAndGeneratedTargets().size(), 1u);
#endif
}

template <class Word>
void expect_planes_of(bool rotate, std::size_t n, std::size_t n_planes) {
  const auto values = words<Word>(n, n);
  std::vector<Bytes> expected(n_planes, Bytes(n));
  std::vector<Word> expected_back(n);
  for (std::size_t i = 0; i < n; ++i) {
    const Word word = rotate ? std::rotl(values[i], 1) : values[i];
    const auto dropped = static_cast<unsigned>(8 * (sizeof(Word) - n_planes));
    const Word kept = dropped == 8 * sizeof(Word) ? Word{0} : static_cast<Word>(word >> dropped << dropped);
    expected_back[i] = rotate ? std::rotr(kept, 1) : kept;
    for (std::size_t k = 0; k < n_planes; ++k) {
      expected[k][i] = static_cast<std::byte>(word >> (8 * (sizeof(Word) - 1 - k)));
    }
  }

  const WordShape shape{.n_bytes = sizeof(Word), .rotate = rotate};
  std::vector<GuardedBytes> planes(n_planes, GuardedBytes(n));
  const auto to = pointers(planes);
  split_planes(shape, testing::bytes_of(values).data(), n, to);
  for (std::size_t k = 0; k < n_planes; ++k) ASSERT_EQ(planes[k].get(), expected[k]) << "plane " << k;

  GuardedBytes back(n * sizeof(Word));
  join_planes(shape, std::vector<const std::byte*>(to.begin(), to.end()), n, back.data());
  ASSERT_EQ(testing::values_of<Word>(back.get()), expected_back);
}

TEST(KernelContract, planes_are_the_bytes_of_words) {
  on_every_target([] {
    with_every_word([](auto word) {
      for (const std::size_t n : kSizes) {
        for (std::size_t n_planes = 1; n_planes <= sizeof(word); ++n_planes) {
          for (const bool rotate : {false, true}) {
            SCOPED_TRACE(std::to_string(n) + " words of " + std::to_string(sizeof(word)) + " bytes, " +
                         std::to_string(n_planes) + " planes" + (rotate ? ", rotated" : ""));
            expect_planes_of<decltype(word)>(rotate, n, n_planes);
          }
        }
      }
    });
  });
}

template <class Word>
double value_of(Word word) {
  if constexpr (sizeof(Word) == 2) return testing::half_to_double(word);
  if constexpr (sizeof(Word) == 4) return static_cast<double>(std::bit_cast<float>(word));
  if constexpr (sizeof(Word) == 8) return std::bit_cast<double>(word);
}

template <class Word>
Word word_of(double value) {
  if constexpr (sizeof(Word) == 2) return testing::to_f16(static_cast<float>(value));
  if constexpr (sizeof(Word) == 4) return std::bit_cast<Word>(static_cast<float>(value));
  if constexpr (sizeof(Word) == 8) return std::bit_cast<Word>(value);
}

// ELF as docs/format/transforms/elf.md describes it, computed in double.
template <class Word>
struct ElfTwin {
  using Float = typename elf::FloatOf<Word>::Float;
  static constexpr std::size_t kLanes = 64 / sizeof(Float);

  ElfTwin(const std::vector<Word>& values, unsigned dropped) : planes(elf::symbol_planes<Word>(dropped)) {
    for (std::size_t at = 0; at < values.size(); at += elf::kBlock) {
      block_outliers.push_back(0);
      Float signal[kLanes] = {};
      Float noise[kLanes] = {};
      for (std::size_t i = at; i < std::min(at + elf::kBlock, values.size()); ++i) {
        const double unit =
            std::ldexp(1.0, static_cast<int>(dropped) - static_cast<int>(elf::FloatOf<Word>::kMantissa));
        const double p = std::abs(value_of(values[i]));
        const double m = std::nearbyint(p / unit);
        if (!(m * unit < 1)) {
          outliers.push_back(static_cast<std::uint32_t>(i));
          ++block_outliers.back();
          append(0, dropped);
          continue;
        }
        append(static_cast<std::uint64_t>(m) << 1 | static_cast<std::uint64_t>(std::signbit(value_of(values[i]))),
               dropped);
        const double error = std::abs(p - m * unit);
        stats.max_abs_error = std::max(stats.max_abs_error, error);
        signal[i % kLanes] += static_cast<Float>(p) * static_cast<Float>(p);
        noise[i % kLanes] += static_cast<Float>(error) * static_cast<Float>(error);
      }
      stats.signal += sum(signal);
      stats.noise += sum(noise);
    }
    stats.n_outliers = outliers.size();
    stats.exact = stats.max_abs_error == 0;
  }

  void append(std::uint64_t symbol, unsigned dropped) {
    const auto n_bits = static_cast<unsigned>(8 * planes.size());
    symbol <<= n_bits - elf::symbol_bits<Word>(dropped);
    for (std::size_t k = 0; k < planes.size(); ++k) {
      planes[k].push_back(static_cast<std::byte>(symbol >> (n_bits - 8 * (k + 1))));
    }
  }

  static double sum(const Float (&lanes)[kLanes]) {
    double sum = 0;
    for (std::size_t i = 0; i < kLanes / 2; ++i) {
      sum += static_cast<double>(lanes[i]) + static_cast<double>(lanes[i + kLanes / 2]);
    }
    return sum;
  }

  elf::SplitStats stats;
  std::vector<Bytes> planes;
  std::vector<std::uint16_t> block_outliers;
  std::vector<std::uint32_t> outliers;
};

template <class Word>
void expect_elf_split_of(const std::vector<Word>& values, unsigned dropped) {
  const std::size_t n = values.size();
  const ElfTwin<Word> expected(values, dropped);
  GuardedBytes from(n * sizeof(Word));
  if (n > 0) std::memcpy(from.data(), values.data(), n * sizeof(Word));
  std::vector<GuardedBytes> planes(expected.planes.size(), GuardedBytes(n));
  std::vector<std::uint16_t> block_outliers(expected.block_outliers.size());
  const auto stats = elf::split_values<Word>(from.data(), n, dropped, pointers(planes), block_outliers.data());
  for (std::size_t k = 0; k < planes.size(); ++k) ASSERT_EQ(planes[k].get(), expected.planes[k]) << "plane " << k;
  ASSERT_EQ(block_outliers, expected.block_outliers);
  ASSERT_EQ(stats.n_outliers, expected.stats.n_outliers);
  ASSERT_EQ(stats.exact, expected.stats.exact);
  ASSERT_EQ(stats.max_abs_error, expected.stats.max_abs_error);
  ASSERT_EQ(stats.signal, expected.stats.signal);
  ASSERT_EQ(stats.noise, expected.stats.noise);

  std::vector<std::uint32_t> outliers;
  for (std::size_t at = 0; at < n; at += elf::kBlock) {
    std::vector<std::uint32_t> found(std::min(elf::kBlock, n - at));
    found.resize(elf::find_outliers<Word>(from.data() + at * sizeof(Word), found.size(), dropped, found.data()));
    for (const auto position : found) outliers.push_back(static_cast<std::uint32_t>(at + position));
  }
  ASSERT_EQ(outliers, expected.outliers);
}

template <class Word>
void expect_elf_join_of(std::size_t n, unsigned dropped) {
  const auto n_planes = elf::symbol_planes<Word>(dropped);
  std::vector<Bytes> planes;
  std::vector<const std::byte*> from;
  for (std::size_t k = 0; k < n_planes; ++k) planes.push_back(testing::random_bytes(n, n + k));
  for (const auto& plane : planes) from.push_back(plane.data());
  std::vector<Word> expected(n);
  for (std::size_t i = 0; i < n; ++i) {
    std::uint64_t symbol = 0;
    for (const auto& plane : planes) symbol = symbol << 8 | static_cast<std::uint64_t>(plane[i]);
    symbol >>= 8 * n_planes - elf::symbol_bits<Word>(dropped);
    const auto exponent = static_cast<int>(dropped) - static_cast<int>(elf::FloatOf<Word>::kMantissa);
    const double p = std::ldexp(static_cast<double>(symbol >> 1), exponent);
    expected[i] = word_of<Word>((symbol & 1) != 0 ? -p : p);
  }
  GuardedBytes values(n * sizeof(Word));
  elf::join_values<Word>(from, n, dropped, values.data());
  ASSERT_EQ(testing::values_of<Word>(values.get()), expected);
}

template <class Word>
void expect_elf_of_words() {
  constexpr unsigned kMantissa = elf::FloatOf<Word>::kMantissa;
  for (const unsigned dropped : {0u, 1u, 2u, 3u, 5u, 9u, 14u, 17u, 22u, 28u, 45u, 51u}) {
    if (dropped >= kMantissa) continue;
    for (const std::size_t n : kSizes) {
      SCOPED_TRACE(std::to_string(n) + " words of " + std::to_string(sizeof(Word)) + " bytes, " +
                   std::to_string(dropped) + " bits dropped");
      expect_elf_split_of(words<Word>(n, n + dropped), dropped);
      expect_elf_join_of<Word>(n, dropped);
    }
  }
}

TEST(KernelContract, elf_symbols_are_rounded_magnitudes_and_signs) {
  on_every_target([] {
    expect_elf_of_words<std::uint16_t>();
    expect_elf_of_words<std::uint32_t>();
    expect_elf_of_words<std::uint64_t>();
  });
}

TEST(KernelContract, elf_reports_exact_only_if_all_bits_are_restored) {
  on_every_target([] {
    for (const std::size_t n : {5u, 64u, 2000u}) {
      std::vector<std::uint32_t> values(n, word_of<std::uint32_t>(-0.25));
      expect_elf_split_of(values, 0);
      values[n - 1] = 1;  // the smallest denormal
      expect_elf_split_of(values, 0);
    }
  });
}

// The position of a float in the order of all floats: 0.0 is 0, -0.0 is -1.
template <class Word>
std::int64_t place(Word word) {
  const auto sign = static_cast<std::uint64_t>(word) >> (8 * sizeof(Word) - 1);
  const auto magnitude = static_cast<std::int64_t>(word - (sign << (8 * sizeof(Word) - 1)));
  return sign == 1 ? -1 - magnitude : magnitude;
}

template <class Word>
Word zigzag(Word difference) {
  const auto n = static_cast<std::make_signed_t<Word>>(difference);
  return n >= 0 ? static_cast<Word>(2 * static_cast<Word>(n)) : static_cast<Word>(2 * static_cast<Word>(-1 - n) + 1);
}

// Delta as docs/format/transforms/delta.md describes it, in plain loops.
template <class Word>
struct DeltaTwin {
  DeltaTwin(const delta::Layout& layout, const std::vector<Word>& values, const std::vector<Word>& base)
      : symbols(layout.n_groups()), low(layout.low_bytes), escapes(layout.escape_bytes()) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto difference = difference_of(layout.operation, values[i], base[i]);
      const auto upper = static_cast<std::uint64_t>(difference) >> 8 * layout.low_bytes;
      widths.push_back(static_cast<std::uint8_t>(std::bit_width(difference)));
      symbols[group_of(layout, base[i])].push_back(static_cast<std::byte>(std::min<std::uint64_t>(upper, 255)));
      for (unsigned k = 0; k < layout.low_bytes; ++k) {
        low[k].push_back(static_cast<std::byte>(difference >> 8 * (layout.low_bytes - 1 - k)));
      }
      if (upper < 255) continue;
      for (unsigned k = 0; k < layout.escape_bytes(); ++k) {
        escapes[k].push_back(static_cast<std::byte>(upper >> 8 * (layout.escape_bytes() - 1 - k)));
      }
    }
  }

  static Word difference_of(delta::Operation operation, Word value, Word base) {
    if (operation == delta::Operation::Xor) return std::rotl(static_cast<Word>(value ^ base), 1);
    if (operation == delta::Operation::Integers) return zigzag(static_cast<Word>(value - base));
    const auto distance = static_cast<std::uint64_t>(place(value)) - static_cast<std::uint64_t>(place(base));
    return zigzag(static_cast<Word>(distance));
  }

  static std::size_t group_of(const delta::Layout& layout, Word base) {
    const auto bits = static_cast<std::uint64_t>(base);
    auto context = static_cast<std::uint8_t>(bits << 1 >> (8 * sizeof(Word) - 8));
    if (sizeof(Word) == 8) context = static_cast<std::uint8_t>((bits >> 52) + 128);
    std::size_t group = 0;
    while (group < layout.thresholds.size() && context < layout.thresholds[group]) ++group;
    return group;
  }

  std::vector<Bytes> symbols;
  std::vector<Bytes> low;
  std::vector<Bytes> escapes;
  std::vector<std::uint8_t> widths;
};

// Changes a random number of low bits of each word.
template <class Word>
std::vector<Word> neighbours(const std::vector<Word>& base, std::uint64_t seed) {
  testing::Random random(seed);
  std::vector<Word> near;
  for (const Word word : base) {
    const auto bits = random.below(8 * sizeof(Word) + 1);
    const auto change = bits == 0 ? std::uint64_t{0} : random.bits() >> (64 - bits);
    near.push_back(static_cast<Word>(word ^ change));
  }
  return near;
}

std::vector<Bytes> with_slack(const std::vector<Bytes>& parts) {
  auto longer = parts;
  for (auto& part : longer) part.resize(part.size() + delta::kSlack);
  return longer;
}

template <std::size_t kMost>
std::array<std::byte*, kMost> pointers_to(std::vector<Bytes>& parts) {
  std::array<std::byte*, kMost> all{};
  for (std::size_t k = 0; k < parts.size(); ++k) all[k] = parts[k].data();
  return all;
}

void expect_starts_with(const std::vector<Bytes>& parts, const std::vector<Bytes>& expected, const char* what) {
  for (std::size_t k = 0; k < expected.size(); ++k) {
    ASSERT_TRUE(std::equal(expected[k].begin(), expected[k].end(), parts[k].begin())) << what << ' ' << k;
  }
}

template <class Word>
void expect_delta_of(const delta::Layout& layout, std::size_t n) {
  const auto base = words<Word>(n, n + 3);
  const auto values = neighbours(base, n + 4);
  const DeltaTwin<Word> expected(layout, values, base);
  const auto value_bytes = testing::bytes_of(values);
  const auto base_bytes = testing::bytes_of(base);
  const auto sizes = delta::count_groups(layout, base_bytes.data(), n);
  for (std::size_t k = 0; k < layout.n_groups(); ++k) ASSERT_EQ(sizes[k], expected.symbols[k].size()) << k;
  std::vector<std::uint8_t> widths(n);
  delta::widths_of(sizeof(Word), layout.operation, value_bytes.data(), base_bytes.data(), n, widths.data());
  ASSERT_EQ(widths, expected.widths);

  auto symbols = with_slack(expected.symbols);
  auto escapes = std::vector<Bytes>(layout.escape_bytes(), Bytes(n + delta::kSlack));
  std::vector<GuardedBytes> low(layout.low_bytes, GuardedBytes(n));
  delta::Parts<std::byte> parts{.symbols = pointers_to<delta::kMostGroups>(symbols),
                                .escapes = pointers_to<delta::kMostWordBytes>(escapes)};
  std::ranges::copy(pointers(low), parts.low.begin());
  const auto n_escapes = delta::split(layout, value_bytes.data(), base_bytes.data(), n, parts);
  ASSERT_EQ(n_escapes, expected.escapes[0].size());
  expect_starts_with(symbols, expected.symbols, "symbols");
  expect_starts_with(escapes, expected.escapes, "escapes");
  for (unsigned k = 0; k < layout.low_bytes; ++k) ASSERT_EQ(low[k].get(), expected.low[k]) << "low bytes " << k;

  auto exact = expected;  // lists without slack
  const auto as_const = [](const auto& all) {
    delta::Parts<const std::byte> from;
    std::ranges::copy(pointers_to<delta::kMostGroups>(all->symbols), from.symbols.begin());
    std::ranges::copy(pointers_to<delta::kMostWordBytes>(all->low), from.low.begin());
    std::ranges::copy(pointers_to<delta::kMostWordBytes>(all->escapes), from.escapes.begin());
    return from;
  };
  GuardedBytes back(n * sizeof(Word));
  ASSERT_TRUE(delta::join(layout, as_const(&exact), sizes, n_escapes, base_bytes.data(), n, back.data()));
  ASSERT_EQ(back.get(), value_bytes);
  if (n_escapes == 0) return;
  ASSERT_FALSE(delta::join(layout, as_const(&exact), sizes, n_escapes - 1, base_bytes.data(), n, back.data()));
}

TEST(KernelContract, delta_groups_symbols_by_the_context_of_the_base) {
  const std::vector<std::vector<std::uint8_t>> all_thresholds{
      {}, {128}, {255, 120, 3}, {126, 125, 124, 123, 122, 121, 120}, {200, 200, 1}, {1}};
  on_every_target([&] {
    with_every_word([&](auto word) {
      using Word = decltype(word);
      for (const auto operation : {delta::Operation::Xor, delta::Operation::Floats, delta::Operation::Integers}) {
        for (unsigned low_bytes = 0; low_bytes < sizeof(Word); ++low_bytes) {
          for (const auto& thresholds : all_thresholds) {
            for (const std::size_t n : {0u, 1u, 31u, 64u, 65u, 129u, 2049u, 16384u + 33u}) {
              SCOPED_TRACE(std::to_string(n) + " words of " + std::to_string(sizeof(Word)) + " bytes, " +
                           std::to_string(low_bytes) + " low, " + std::to_string(thresholds.size()) + " thresholds");
              expect_delta_of<Word>({sizeof(Word), low_bytes, operation, thresholds}, n);
            }
          }
        }
      }
    });
  });
}

template <class Word>
void expect_elf_differences_of(std::size_t n, unsigned shift) {
  auto symbols = words<Word>(n, n);
  auto base = words<Word>(n, n + 1);
  std::vector<Word> expected(n);
  const auto integer_of = [&](Word symbol) {
    const auto m = static_cast<Word>(symbol >> shift >> 1);
    return static_cast<Word>((symbol >> shift & 1) != 0 ? Word{0} - 1 - m : m);
  };
  for (std::size_t i = 0; i < n; ++i) {
    symbols[i] = static_cast<Word>(symbols[i] >> shift << shift);
    expected[i] = zigzag(static_cast<Word>(integer_of(symbols[i]) - integer_of(base[i])));
  }
  const auto base_bytes = testing::bytes_of(base);
  GuardedBytes made(n * sizeof(Word));
  elf_delta::subtract(sizeof(Word), shift, testing::bytes_of(symbols).data(), base_bytes.data(), n, made.data());
  ASSERT_EQ(testing::values_of<Word>(made.get()), expected);
  elf_delta::add(sizeof(Word), shift, made.data(), base_bytes.data(), n, made.data());
  ASSERT_EQ(testing::values_of<Word>(made.get()), symbols);
}

TEST(KernelContract, elf_differences_are_those_of_signed_integers) {
  on_every_target([] {
    for (const std::size_t n : kSizes) {
      expect_elf_differences_of<std::uint16_t>(n, 5);
      expect_elf_differences_of<std::uint32_t>(n, 8);
      expect_elf_differences_of<std::uint32_t>(n, 21);
      expect_elf_differences_of<std::uint64_t>(n, 11);
    }
  });
}

TEST(KernelContract, differences_of_neighbouring_floats_are_small) {
  const std::vector<float> values{1e-45F, 0.0F, std::nextafterf(0.1F, 1), std::nextafterf(-0.1F, -1), 0.25F};
  const std::vector<float> base{-1e-45F, -0.0F, 0.1F, -0.1F, 0.25F};
  on_every_target([&] {
    std::vector<std::uint8_t> widths(values.size());
    delta::widths_of(sizeof(float), delta::Operation::Floats, testing::bytes_of(values).data(),
                     testing::bytes_of(base).data(), values.size(), widths.data());
    EXPECT_EQ(widths, (std::vector<std::uint8_t>{3, 2, 2, 1, 0}));
  });
}

TEST(KernelContract, histograms_count_every_byte) {
  for (const std::size_t n : {0u, 1u, 7u, 8u, 9u, 1000u, 8 * 65535u - 1, 8 * 65535u, 8 * 65535u + 9, 1500000u}) {
    for (const std::size_t n_values : {1u, 2u, 256u}) {
      auto bytes = testing::random_bytes(n, n);
      for (auto& byte : bytes) byte = static_cast<std::byte>(255 - static_cast<std::size_t>(byte) % n_values);
      Histogram expected{};
      for (const auto byte : bytes) ++expected[static_cast<std::size_t>(byte)];
      EXPECT_EQ(histogram(bytes), expected) << n << " bytes, " << n_values << " values";
    }
  }
}

void expect_same_on_every_target(const Bytes& raw, DType dtype, const EncodeOptions& options) {
  Bytes expected;
  on_every_target([&] {
    Encoder encoder;
    Bytes encoded;
    encoder.encode(raw, dtype, options, encoded);
    if (expected.empty()) expected = encoded;
    EXPECT_EQ(encoded, expected);
    Bytes back(raw.size());
    ASSERT_TRUE(Decoder().decode(encoded, dtype, back).has_value());
    EXPECT_EQ(back, Bytes(encoder.decoded().begin(), encoder.decoded().end()));
  });
}

TEST(KernelContract, encoders_give_the_same_bytes_on_every_target) {
  const std::vector<EncodeOptions> all_options{{}, {.lossless = true}, {.error_bound = 1e-4, .min_snr_db = -1000}};
  for (const auto& kind : testing::kinds()) {
    for (const DType dtype : testing::all_dtypes()) {
      if (block_elements(dtype) > 1) continue;
      SCOPED_TRACE(kind.name + " as " + std::string(name(dtype)));
      for (const auto& options : all_options) expect_same_on_every_target(kind.make(dtype, 2100), dtype, options);
    }
  }
}

// Level::Max is slow. It is the only level that uses window for all floats, so all dtypes are tried with one kind of
// data.
TEST(KernelContract, encoders_give_the_same_bytes_on_every_target_at_level_max) {
  for (const DType dtype : testing::all_dtypes()) {
    if (block_elements(dtype) > 1) continue;
    SCOPED_TRACE(name(dtype));
    expect_same_on_every_target(testing::normal_weights(dtype, 700, 0.02, 2), dtype, {.level = Level::Max});
  }
}

TEST(KernelContract, deltas_are_the_same_on_every_target) {
  for (const DType dtype : testing::all_dtypes()) {
    if (block_elements(dtype) > 1) continue;
    SCOPED_TRACE(name(dtype));
    const auto family = testing::fine_tune(dtype, 30000, 0.01);
    for (const EncodeOptions& options : std::vector<EncodeOptions>{{}, {.lossless = true}, {.min_snr_db = -1000}}) {
      Bytes expected;
      on_every_target([&] {
        Encoder encoder;
        Bytes encoded;
        encoder.encode(family.own, dtype, options, encoded, {family.base});
        if (expected.empty()) expected = encoded;
        EXPECT_EQ(encoded, expected);
        Bytes back(family.own.size());
        ASSERT_TRUE(Decoder().decode(encoded, dtype, back, family.base).has_value());
        EXPECT_EQ(back, Bytes(encoder.decoded().begin(), encoder.decoded().end()));
      });
    }
  }
}

}  // namespace
}  // namespace elves::encode
