#include "encode/bits.hpp"

#include <gtest/gtest.h>

#include "chunk_data.hpp"

namespace elves::encode {
namespace {

using testing::Bytes;

TEST(Bits, are_packed_from_the_top_of_each_byte) {
  Bytes bytes(3, std::byte{0xEE});
  BitWriter writer(bytes.data());
  writer.write(0b1, 1);
  writer.write(0b0110, 4);
  writer.write(0, 0);
  writer.write(0b111000111, 9);
  EXPECT_EQ(writer.finish(), bytes.data() + 2);
  EXPECT_EQ(bytes, (Bytes{std::byte{0b10110111}, std::byte{0b00011100}, std::byte{0xEE}}));
}

TEST(Bits, of_any_widths_round_trip_and_fill_only_their_bytes) {
  testing::Random random(8);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::pair<std::uint64_t, unsigned>> numbers;
    std::uint64_t n_bits = 0;
    for (std::size_t n = random.below(40); n > 0; --n) {
      const auto width = static_cast<unsigned>(random.below(58));
      numbers.emplace_back(random.bits() & ((std::uint64_t{1} << width) - 1), width);
      n_bits += width;
    }
    Bytes bytes(bits_to_bytes(n_bits) + 1, std::byte{0xEE});
    BitWriter writer(bytes.data());
    for (const auto& [value, width] : numbers) writer.write(value, width);
    ASSERT_EQ(writer.finish(), bytes.data() + bytes.size() - 1);
    ASSERT_EQ(bytes.back(), std::byte{0xEE});
    bytes.pop_back();
    BitReader reader(bytes);
    for (const auto& [value, width] : numbers) ASSERT_EQ(reader.read(width), value);
    ASSERT_TRUE(reader.at_end());
    ASSERT_FALSE(reader.failed());
  }
}

TEST(Bits, read_past_the_end_are_zero_and_set_failed) {
  const Bytes bytes(2, std::byte{0xFF});
  BitReader reader(bytes);
  EXPECT_EQ(reader.read(10), 0x3FFu);
  EXPECT_EQ(reader.read(10), 0x3F0u);
  EXPECT_TRUE(reader.failed());
  EXPECT_FALSE(reader.at_end());
  EXPECT_EQ(reader.read(57), 0u);
}

TEST(Bits, are_at_the_end_if_only_padding_is_left) {
  const auto at_end = [](const Bytes& bytes, unsigned n_read) {
    BitReader reader(bytes);
    reader.read(n_read);
    return reader.at_end();
  };
  EXPECT_TRUE(at_end({}, 0));
  EXPECT_TRUE(at_end({std::byte{0b10100000}}, 3));
  EXPECT_TRUE(at_end({std::byte{0b10100000}}, 8));
  EXPECT_FALSE(at_end({std::byte{0b10100000}}, 0)) << "a whole byte is left";
  EXPECT_FALSE(at_end({std::byte{0b10100000}}, 2)) << "a bit is left";
  EXPECT_FALSE(at_end({std::byte{0}, std::byte{0}}, 8)) << "a whole byte is left";
}

}  // namespace
}  // namespace elves::encode
