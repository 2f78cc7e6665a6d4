#include "support/zigzag.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace elves {
namespace {

TEST(Zigzag, numbers_near_zero_become_small) {
  EXPECT_EQ(zigzag<std::uint8_t>(0), 0);
  EXPECT_EQ(zigzag<std::uint8_t>(0xFF), 1) << "-1";
  EXPECT_EQ(zigzag<std::uint8_t>(1), 2);
  EXPECT_EQ(zigzag<std::uint8_t>(0x80), 0xFF) << "-128";
  EXPECT_EQ(zigzag<std::uint32_t>(0xFFFF'FFFE), 3u) << "-2";
  EXPECT_EQ(zigzag<std::uint64_t>(std::uint64_t{1} << 63), ~std::uint64_t{0});
}

TEST(Zigzag, unzigzag_is_the_inverse) {
  for (unsigned n = 0; n < 65536; ++n) {
    const auto word = static_cast<std::uint16_t>(n);
    ASSERT_EQ(unzigzag(zigzag(word)), word);
  }
  EXPECT_EQ(unzigzag(zigzag(0x8000'0001u)), 0x8000'0001u);
}

}  // namespace
}  // namespace elves
