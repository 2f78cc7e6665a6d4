#include "support/weights.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace elves::weights {
namespace {

TEST(Weights, are_rounded_to_nearest_even) {
  EXPECT_EQ(to_f16(0.02), 0x251F);
  EXPECT_EQ(to_f16(-0.02), 0xA51F);
  EXPECT_EQ(to_f16(1e-5), 0x00A8);
  EXPECT_EQ(to_f16(6e-8), 0x0001);
  EXPECT_EQ(to_f16(-0.0), 0x8000);
  EXPECT_EQ(to_f16(1 + 0x1p-11), 0x3C00);
  EXPECT_EQ(to_f16(1 + 0x3p-11), 0x3C02);
  EXPECT_EQ(to_f8e4m3(-1.0625), 0xB8);
  EXPECT_EQ(to_f8e4m3(0x1p-9), 0x01);
  EXPECT_EQ(to_f8e4m3(0x1.fp-7), 0x08);
  EXPECT_EQ(to_f8e5m2(1.125), 0x3C);
  EXPECT_EQ(to_f8e5m2(1.375), 0x3E);
  EXPECT_EQ(to_bf16(1 + 0x3p-8), 0x3F82);
}

TEST(Weights, saturate_or_become_infinity_where_they_are_too_large) {
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(to_f16(65504), 0x7BFF);
  EXPECT_EQ(to_f16(65520), 0x7C00);
  EXPECT_EQ(to_f16(-inf), 0xFC00);
  EXPECT_EQ(to_bf16(inf), 0x7F80);
  EXPECT_EQ(to_f8e4m3(1e9), 0x7E);
  EXPECT_EQ(to_f8e5m2(inf), 0x7C);
  EXPECT_GT(to_f16(std::nan("")), 0x7C00);
}

TEST(Weights, of_each_half_have_its_bits) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    if ((bits & 0x7C00) == 0x7C00) continue;  // infinities and NaN
    ASSERT_EQ(to_f16(half_to_double(static_cast<std::uint16_t>(bits))), bits);
  }
}

TEST(Weights, that_were_cast_up_have_zeros_below_the_narrower_type) {
  for (const auto word : values_of<std::uint32_t>(upcast_weights(DType::BF16, DType::F32, 1000, 0.02, 1))) {
    ASSERT_EQ(word & 0xFFFF, 0u);
  }
  for (const auto word : values_of<std::uint32_t>(upcast_weights(DType::F16, DType::F32, 1000, 0.02, 1))) {
    ASSERT_EQ(word & 0x1FFF, 0u);
  }
}

TEST(Weights, have_the_size_of_their_dtype_and_depend_on_the_seed) {
  for (std::uint8_t number = 0; number < kDTypeCount; ++number) {
    const auto dtype = static_cast<DType>(number);
    const auto made = normal_weights(dtype, 100, 0.02, 1);
    EXPECT_EQ(made.size(), 100 * size_bytes(dtype)) << name(dtype);
    EXPECT_EQ(made, normal_weights(dtype, 100, 0.02, 1)) << name(dtype);
  }
  EXPECT_NE(normal_weights(DType::F32, 100, 0.02, 1), normal_weights(DType::F32, 100, 0.02, 2));
}

TEST(Weights, of_a_fine_tune_are_near_those_of_its_base) {
  const auto made = fine_tune(DType::F64, 1000, 0.01);
  const auto own = values_of<double>(made.own);
  const auto base = values_of<double>(made.base);
  double distance = 0;
  for (std::size_t i = 0; i < own.size(); ++i) distance += (own[i] - base[i]) * (own[i] - base[i]);
  EXPECT_NEAR(std::sqrt(distance / 1000), 0.02 * 0.01, 0.00002);
}

}  // namespace
}  // namespace elves::weights
