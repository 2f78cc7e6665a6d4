#include "support/byte_cursor.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "support/checked.hpp"

namespace elves {
namespace {

TEST(ByteCursor, reads_what_the_writer_wrote) {
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  writer.write(std::uint32_t{0x01020304});
  writer.write(-1.5);
  writer.varint(300);
  writer.text(std::string("a\0b", 3));
  writer.text("");
  ByteCursor cursor(bytes);
  EXPECT_EQ(cursor.read<std::uint32_t>(), 0x01020304u);
  EXPECT_EQ(cursor.read<double>(), -1.5);
  EXPECT_EQ(cursor.read_varint(), 300u);
  EXPECT_EQ(cursor.read_text(), std::string("a\0b", 3));
  EXPECT_EQ(cursor.read_text(), "");
  EXPECT_TRUE(cursor.at_end());
  EXPECT_FALSE(cursor.failed());
}

TEST(ByteCursor, numbers_are_little_endian) {
  std::vector<std::byte> bytes;
  ByteWriter(bytes).write(std::uint16_t{0x1234});
  EXPECT_EQ(bytes, (std::vector<std::byte>{std::byte{0x34}, std::byte{0x12}}));
}

TEST(ByteCursor, a_read_past_the_end_gives_zero_and_fails_for_good) {
  const std::vector<std::byte> bytes(3, std::byte{0xFF});
  ByteCursor cursor(bytes);
  EXPECT_EQ(cursor.read<std::uint32_t>(), 0u);
  EXPECT_TRUE(cursor.failed());
  EXPECT_EQ(cursor.read<std::uint8_t>(), 0u) << "a byte is left, but the cursor has failed";
  EXPECT_EQ(cursor.position(), 0u);
}

TEST(ByteCursor, a_huge_count_is_no_way_out_of_the_buffer) {
  const std::vector<std::byte> bytes(16);
  for (const auto n : {std::uint64_t{17}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    ByteCursor cursor(bytes);
    (void)cursor.read<std::uint8_t>();
    EXPECT_TRUE(cursor.take(n).empty());
    EXPECT_TRUE(cursor.failed());
  }
}

TEST(ByteCursor, a_text_that_claims_more_than_there_is_fails) {
  std::vector<std::byte> bytes;
  ByteWriter(bytes).varint(~std::uint64_t{0});
  ByteCursor cursor(bytes);
  EXPECT_EQ(cursor.read_text(), "");
  EXPECT_TRUE(cursor.failed());
}

TEST(ByteCursor, varints_of_every_length_come_back) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const auto value : {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) - 1, ~std::uint64_t{0} >> bit}) {
      std::vector<std::byte> bytes;
      ByteWriter(bytes).varint(value);
      ByteCursor cursor(bytes);
      EXPECT_EQ(cursor.read_varint(), value);
      EXPECT_TRUE(cursor.at_end());
    }
  }
}

TEST(ByteCursor, a_varint_of_more_than_64_bits_fails) {
  std::vector<std::byte> bytes(9, std::byte{0xFF});
  bytes.push_back(std::byte{0x02});
  ByteCursor too_large(bytes);
  EXPECT_EQ(too_large.read_varint(), 0u);
  EXPECT_TRUE(too_large.failed());
  const std::vector<std::byte> endless(20, std::byte{0x80});
  ByteCursor too_long(endless);
  (void)too_long.read_varint();
  EXPECT_TRUE(too_long.failed());
}

TEST(Checked, sums_and_products_that_overflow_are_nothing) {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(checked_add<std::uint64_t>(kMost - 1, 1), kMost);
  EXPECT_EQ(checked_add<std::uint64_t>(kMost, 1), std::nullopt);
  EXPECT_EQ(checked_mul<std::uint64_t>(std::uint64_t{1} << 32, std::uint64_t{1} << 31), std::uint64_t{1} << 63);
  EXPECT_EQ(checked_mul<std::uint64_t>(std::uint64_t{1} << 32, std::uint64_t{1} << 32), std::nullopt);
  EXPECT_EQ(checked_add<int>(std::numeric_limits<int>::max(), 1), std::nullopt);
}

TEST(Checked, division_rounds_up_without_overflow) {
  EXPECT_EQ(ceil_div(0u, 4u), 0u);
  EXPECT_EQ(ceil_div(8u, 4u), 2u);
  EXPECT_EQ(ceil_div(9u, 4u), 3u);
  EXPECT_EQ(ceil_div(~std::uint64_t{0}, std::uint64_t{2}), std::uint64_t{1} << 63);
}

}  // namespace
}  // namespace elves
