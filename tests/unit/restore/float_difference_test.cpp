#include "restore/float_difference.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace elves::restore {
namespace {

template <class T>
double difference(DType dtype, const std::vector<T>& a, const std::vector<T>& b) {
  return largest_difference(dtype, std::as_bytes(std::span(a)), std::as_bytes(std::span(b)));
}

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(FloatDifference, is_the_largest_of_all_elements) {
  EXPECT_EQ(difference<float>(DType::F32, {1, 2, 3, 4}, {1, 2.25F, 2.5F, 4}), 0.5);
  EXPECT_EQ(difference<double>(DType::F64, {1, 0}, {1 + 0x1p-40, 0}), 0x1p-40);
  EXPECT_EQ(difference<float>(DType::F32, {}, {}), 0);
}

TEST(FloatDifference, of_half_floats_is_that_of_their_values) {
  // 1, 1.5, the smallest subnormal, -2, 65504
  EXPECT_EQ(difference<std::uint16_t>(DType::F16, {0x3C00}, {0x3E00}), 0.5);
  EXPECT_EQ(difference<std::uint16_t>(DType::F16, {0x0000}, {0x0001}), 0x1p-24);
  EXPECT_EQ(difference<std::uint16_t>(DType::F16, {0xC000}, {0x3C00}), 3);
  EXPECT_EQ(difference<std::uint16_t>(DType::F16, {0x7BFF}, {0x0000}), 65504);
  EXPECT_EQ(difference<std::uint16_t>(DType::F16, {0x7C00}, {0x7BFF}), INFINITY);
  EXPECT_EQ(difference<std::uint16_t>(DType::F16, {0x7E00}, {0x7E01}), INFINITY);
}

TEST(FloatDifference, values_that_are_not_finite_must_be_equal) {
  EXPECT_EQ(difference<float>(DType::F32, {kInf, -kInf, kNan, 1}, {kInf, -kInf, kNan, 2}), 1);
  EXPECT_EQ(difference<float>(DType::F32, {kInf}, {-kInf}), INFINITY);
  EXPECT_EQ(difference<float>(DType::F32, {kInf}, {1}), INFINITY);
  EXPECT_EQ(difference<float>(DType::F32, {kNan, 1}, {0, 1}), INFINITY);
  EXPECT_EQ(difference<float>(DType::F32, {kNan}, {-kNan}), INFINITY);
}

TEST(FloatDifference, zeros_of_either_sign_are_equal) {
  EXPECT_EQ(difference<float>(DType::F32, {0.0F}, {-0.0F}), 0);
}

TEST(FloatDifference, dtypes_without_loss_have_no_tolerance) {
  for (const auto dtype : {DType::BF16, DType::I32, DType::Bytes, DType::Q4_0})
    EXPECT_EQ(difference<std::uint16_t>(dtype, {1, 2}, {1, 3}), INFINITY) << name(dtype);
}

}  // namespace
}  // namespace elves::restore
