#include "support/entropy.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace elves {
namespace {

TEST(Entropy, log2_fixed_of_numbers_up_to_512_is_rounded_down) {
  for (std::uint32_t n = 1; n <= 512; ++n)
    EXPECT_EQ(log2_fixed(n), static_cast<std::uint32_t>(std::floor(std::log2(n) * 65536))) << n;
}

TEST(Entropy, log2_fixed_of_larger_numbers_is_off_by_less_than_two_units) {
  for (std::uint64_t n = 513; n < std::uint64_t{1} << 32; n += n / 7 + 1) {
    const auto value = static_cast<std::uint32_t>(n);
    EXPECT_NEAR(log2_fixed(value), std::log2(value) * 65536, 2) << n;
  }
  EXPECT_EQ(log2_fixed(1u << 31), 31u << 16);
}

TEST(Entropy, the_constant_of_miller_and_madow_is_half_a_nat) {
  EXPECT_EQ(kMillerMadow, static_cast<std::uint32_t>(65536 / (2 * std::log(2.0))));
}

}  // namespace
}  // namespace elves
