#include "encode/transforms/elf/kernel.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>

#include "chunk_data.hpp"
#include "encode/transforms/elf/elf.hpp"

namespace elves::encode::elf {
namespace {

using testing::Bytes;

template <class Word>
struct Coded {
  SplitStats stats;
  std::vector<Word> symbols;  // at the top of the word
  std::vector<Word> values;
  std::vector<std::uint32_t> outliers;
};

template <class Word>
Coded<Word> code(const std::vector<Word>& values, unsigned dropped = 0) {
  const Bytes raw = testing::bytes_of(values);
  const std::size_t n = values.size();
  const auto n_planes = symbol_planes<Word>(dropped);
  std::vector<Bytes> planes(n_planes, Bytes(n));
  std::vector<std::byte*> to;
  for (auto& plane : planes) to.push_back(plane.data());
  std::vector<std::uint16_t> block_outliers((n + kBlock - 1) / kBlock);
  Coded<Word> coded;
  coded.stats = split_values<Word>(raw.data(), n, dropped, to, block_outliers.data());
  for (std::size_t i = 0; i < n; ++i) {
    Word symbol = 0;
    for (const auto& plane : planes) symbol = static_cast<Word>(symbol << 8 | static_cast<Word>(plane[i]));
    coded.symbols.push_back(static_cast<Word>(symbol << (8 * (sizeof(Word) - n_planes))));
  }
  Bytes back(raw.size());
  join_values<Word>(std::vector<const std::byte*>(to.begin(), to.end()), n, dropped, back.data());
  coded.values = testing::values_of<Word>(back);
  for (std::size_t at = 0; at < n; at += kBlock) {
    std::array<std::uint32_t, kBlock> found;
    const auto n_block = std::min(kBlock, n - at);
    const auto n_found = find_outliers<Word>(raw.data() + at * sizeof(Word), n_block, dropped, found.data());
    EXPECT_EQ(n_found, block_outliers[at / kBlock]);
    for (std::size_t i = 0; i < n_found; ++i) coded.outliers.push_back(static_cast<std::uint32_t>(at + found[i]));
  }
  return coded;
}

float decoded(float p, unsigned dropped = 0) {
  return std::bit_cast<float>(code<std::uint32_t>({std::bit_cast<std::uint32_t>(p)}, dropped).values[0]);
}

bool is_outlier(float p, unsigned dropped = 0) {
  return code<std::uint32_t>({std::bit_cast<std::uint32_t>(p)}, dropped).stats.n_outliers == 1;
}

TEST(ElfKernel, keeps_every_half_within_2_to_the_minus_11) {
  for (std::uint32_t begin = 0; begin < 65536; begin += kBlock) {
    std::vector<std::uint16_t> values(kBlock);
    for (std::uint32_t i = 0; i < kBlock; ++i) values[i] = static_cast<std::uint16_t>(begin + i);
    const auto coded = code(values);
    std::size_t next_outlier = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
      const double p = testing::half_to_double(values[i]);
      const bool outlier = next_outlier < coded.outliers.size() && coded.outliers[next_outlier] == i;
      // Of the halves below 1, only for 1 - 2^-11 does |p| + 1 round to 2.
      ASSERT_EQ(outlier, !(std::abs(p) < 1 - 0x1p-11)) << values[i];
      if (outlier) {
        ++next_outlier;
        ASSERT_EQ(coded.symbols[i], 0);
        continue;
      }
      const double r = testing::half_to_double(coded.values[i]);
      ASSERT_LE(std::abs(p - r), 0x1p-11) << values[i];
      ASSERT_EQ(std::signbit(p), std::signbit(r)) << values[i];
      ASSERT_EQ(std::abs(r), std::nearbyint(std::abs(p) * 1024) / 1024) << values[i];
    }
    ASSERT_EQ(coded.stats.n_outliers, coded.outliers.size());
  }
}

TEST(ElfKernel, makes_the_symbol_of_figure_9) {
  // Figure 9: p = 0.14159260690..., whose |p| + 1 is 1.1415926218032...
  const float p = 0.1415926069021225F;
  const auto coded = code<std::uint32_t>({std::bit_cast<std::uint32_t>(p)});
  const auto mantissa = std::bit_cast<std::uint32_t>(p + 1.0F) & 0x7FFFFF;
  EXPECT_EQ(coded.symbols[0] >> 8, mantissa << 1);
  EXPECT_EQ(std::bit_cast<float>(coded.values[0]), (p + 1.0F) - 1.0F);
  const auto negative = code<std::uint32_t>({std::bit_cast<std::uint32_t>(-p)});
  EXPECT_EQ(negative.symbols[0] >> 8, mantissa << 1 | 1);
}

TEST(ElfKernel, keeps_floats_within_2_to_the_minus_24) {
  testing::Random random(1);
  double largest = 0;
  for (int block = 0; block < 200; ++block) {
    std::vector<std::uint32_t> values(kBlock);
    for (auto& value : values) {
      const double sign = random.below(2) == 0 ? 1 : -1;
      value = std::bit_cast<std::uint32_t>(static_cast<float>(sign * std::exp2(-30 * random.uniform())));
    }
    const auto coded = code(values);
    for (std::size_t i = 0; i < kBlock; ++i) {
      if (std::ranges::find(coded.outliers, i) != coded.outliers.end()) continue;
      const double error = std::abs(static_cast<double>(std::bit_cast<float>(values[i])) -
                                    static_cast<double>(std::bit_cast<float>(coded.values[i])));
      largest = std::max(largest, error);
    }
    ASSERT_LE(coded.stats.max_abs_error, 0x1p-24);
  }
  EXPECT_LE(largest, 0x1p-24);
  EXPECT_GT(largest, 0x1p-25);
}

TEST(ElfKernel, reaches_its_bound_exactly) {
  EXPECT_EQ(decoded(0x1p-24F), 0.0F);
  EXPECT_EQ(code<std::uint32_t>({std::bit_cast<std::uint32_t>(0x1p-24F)}).stats.max_abs_error, 0x1p-24);
  EXPECT_EQ(decoded(0x1.8p-23F), 0x1p-22F);  // a tie goes to the even mantissa
  EXPECT_EQ(code<std::uint64_t>({std::bit_cast<std::uint64_t>(0x1p-53)}).stats.max_abs_error, 0x1p-53);
  EXPECT_EQ(code<std::uint64_t>({std::bit_cast<std::uint64_t>(0.3)}).values[0],
            std::bit_cast<std::uint64_t>((0.3 + 1) - 1));
}

TEST(ElfKernel, treats_values_that_no_symbol_holds_as_outliers) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const float p : {1.0F, -1.0F, 1.5F, inf, -inf, std::nanf("7"), 3e38F, 0x1.fffffep-1F, -0x1.fffffep-1F}) {
    EXPECT_TRUE(is_outlier(p)) << p;
  }
  for (const float p : {0x1.fffffcp-1F, -0x1.fffffcp-1F, 0.0F, -0.0F, 1e-45F, 0.5F}) EXPECT_FALSE(is_outlier(p)) << p;
  for (const double p : {1.0, -2.0, 1 - 0x1p-53, std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(code<std::uint64_t>({std::bit_cast<std::uint64_t>(p)}).stats.n_outliers, 1u) << p;
  }
  EXPECT_EQ(code<std::uint64_t>({std::bit_cast<std::uint64_t>(1 - 0x1p-52)}).stats.n_outliers, 0u);
}

TEST(ElfKernel, keeps_the_sign_of_zero_and_of_denormals) {
  for (const float p : {0.0F, -0.0F, 1e-45F, -1e-45F, -1e-40F}) {
    EXPECT_EQ(std::signbit(decoded(p)), std::signbit(p)) << p;
    EXPECT_EQ(decoded(p), 0.0F);
  }
}

TEST(ElfKernel, reports_exact_only_if_all_bits_are_restored) {
  const auto exact = [](std::vector<float> values) {
    std::vector<std::uint32_t> words;
    for (const float value : values) words.push_back(std::bit_cast<std::uint32_t>(value));
    return code(words).stats.exact;
  };
  EXPECT_TRUE(exact({0.5F, -0.0F, 0.0F, -0.25F, 0x1p-23F}));
  EXPECT_FALSE(exact({0.5F, 1e-45F}));
  EXPECT_FALSE(exact({0.5F, 0x1.000002p-2F}));
}

TEST(ElfKernel, rounds_once_when_bits_are_dropped) {
  // With 4 bits dropped the unit is 2^-19. This p is just below half a unit, but |p| + 1 rounds up to half a unit.
  const float p = std::nextafterf(0x1.8p-19F, 0.0F);
  EXPECT_EQ(decoded(p, 4), 0x1p-19F);
  EXPECT_EQ(decoded(0x1.8p-19F, 4), 0x1p-18F);
}

template <class Word>
void expect_bound_with_dropped_bits(double own_bound, unsigned mantissa) {
  testing::Random random(2);
  for (unsigned dropped = 0; dropped < mantissa; ++dropped) {
    std::vector<Word> values(kBlock);
    for (auto& value : values) {
      const double p = random.normal() * 0.4;
      if constexpr (sizeof(Word) == 2) value = testing::to_f16(static_cast<float>(p));
      if constexpr (sizeof(Word) == 4) value = std::bit_cast<Word>(static_cast<float>(p));
      if constexpr (sizeof(Word) == 8) value = std::bit_cast<Word>(p);
    }
    const auto coded = code(values, dropped);
    EXPECT_LE(coded.stats.max_abs_error, std::ldexp(own_bound, static_cast<int>(dropped)));
    EXPECT_GT(coded.stats.max_abs_error, std::ldexp(own_bound, static_cast<int>(dropped)) / 4);
    for (const Word symbol : coded.symbols) {
      ASSERT_EQ(symbol & ((Word{1} << (8 * sizeof(Word) - symbol_bits<Word>(dropped))) - 1), 0);
    }
  }
}

TEST(ElfKernel, keeps_the_bound_for_any_number_of_dropped_bits) {
  expect_bound_with_dropped_bits<std::uint16_t>(0x1p-11, 10);
  expect_bound_with_dropped_bits<std::uint32_t>(0x1p-24, 23);
  expect_bound_with_dropped_bits<std::uint64_t>(0x1p-53, 52);
}

TEST(ElfDroppedBits, follow_the_error_bound) {
  EXPECT_EQ(dropped_bits(DType::F32, 0), 0u);
  EXPECT_EQ(dropped_bits(DType::F32, 0x1p-24), 0u);
  EXPECT_EQ(dropped_bits(DType::F32, 0x1.8p-24), 0u);
  EXPECT_EQ(dropped_bits(DType::F32, 0x1p-23), 1u);
  EXPECT_EQ(dropped_bits(DType::F32, 1e-3), 14u);
  EXPECT_EQ(dropped_bits(DType::F32, 1e9), 22u);
  EXPECT_EQ(dropped_bits(DType::F16, 1e-3), 1u);
  EXPECT_EQ(dropped_bits(DType::F64, 1e-3), 43u);
}

TEST(ElfDroppedBits, are_undefined_if_elf_cannot_keep_the_bound) {
  EXPECT_EQ(dropped_bits(DType::F32, 0x1.fp-25), std::nullopt);
  EXPECT_EQ(dropped_bits(DType::F16, 1e-4), std::nullopt);
  EXPECT_EQ(dropped_bits(DType::F32, -1), std::nullopt);
  EXPECT_EQ(dropped_bits(DType::F32, std::nan("")), std::nullopt);
  EXPECT_EQ(dropped_bits(DType::BF16, 0), std::nullopt);
  EXPECT_EQ(dropped_bits(DType::F8E4M3, 0), std::nullopt);
  EXPECT_EQ(dropped_bits(DType::C64, 0), std::nullopt);
}

}  // namespace
}  // namespace elves::encode::elf
