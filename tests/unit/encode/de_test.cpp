#include <gtest/gtest.h>

#include "chunk_data.hpp"
#include "encode/bits.hpp"
#include "encode/transforms/de/de.hpp"
#include "encode/transforms/de/kernel.hpp"

namespace elves::encode {
namespace {

using testing::Bytes;

struct Made {
  de::Parts parts;
  Bytes flags;
  Bytes lengths;
  Bytes distances;
  Bytes distinct;
};

template <class Word>
Made encode(const std::vector<Word>& words) {
  const std::size_t n = words.size();
  Made made{{}, Bytes(n / 8 + 1), Bytes(n), Bytes(4 * n + 1), Bytes(n * sizeof(Word))};
  std::vector<std::uint32_t> table(de::table_slots(n), 12345);
  made.parts = de::encode<Word>(testing::bytes_of(words).data(), n, table, made.flags.data(), made.lengths.data(),
                                made.distances.data(), made.distinct.data());
  made.distinct.resize(made.parts.n_distinct * sizeof(Word));
  return made;
}

TEST(De, follows_figure_8) {
  // P_0 comes back as P_1000000: flag 1, L = 20, D = 1000000 in 20 bits. All between are first occurrences.
  std::vector<std::uint32_t> words(1000001);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = static_cast<std::uint32_t>(0x3C000000 + i);
  words[1000000] = words[0];
  const auto made = encode(words);
  EXPECT_EQ(made.parts.n_distinct, 1000000u);
  BitReader flags(made.flags);
  for (int i = 0; i < 1000000; ++i) ASSERT_EQ(flags.read(1), 0u);
  EXPECT_EQ(flags.read(1), 1u);
  ASSERT_EQ(made.parts.length_bytes, 1u);
  EXPECT_EQ(BitReader(made.lengths).read(5), 20u);
  ASSERT_EQ(made.parts.distance_bytes, 3u);
  EXPECT_EQ(BitReader(made.distances).read(20), 1000000u);
}

TEST(De, points_to_the_last_occurrence) {
  const auto made = encode<std::uint32_t>({7, 8, 7, 7, 8});
  EXPECT_EQ(made.flags[0], std::byte{0b00111000});
  EXPECT_EQ(made.parts.n_distinct, 2u);
  BitReader lengths(made.lengths);
  BitReader distances(made.distances);
  const std::uint64_t expected[] = {2, 1, 3};
  for (const auto distance : expected) {
    EXPECT_EQ(distances.read(static_cast<unsigned>(lengths.read(5))), distance);
  }
}

TEST(De, knows_minus_zero_from_zero_and_one_NaN_from_another) {
  EXPECT_EQ(encode<std::uint32_t>({0x00000000, 0x80000000, 0x7FC00000, 0x7FC00001, 0x7FC00000}).parts.n_distinct, 4u);
  EXPECT_EQ(encode<std::uint64_t>({0, 1ull << 63, 0, 0x7FF0000000000001, 0x7FF0000000000002}).parts.n_distinct, 4u);
}

TEST(De, promises_much_only_where_neighbours_repeat) {
  const auto ask = [](const Bytes& raw) { return de::promises({raw, DType::F32}); };
  EXPECT_FALSE(ask(testing::normal_weights(DType::F32, 20000, 0.02, 1)));
  EXPECT_TRUE(ask(Bytes(80000)));
  EXPECT_FALSE(ask({}));
}

// A chunk by hand: 3 floats 1.0, 1.0, 2.0 as in docs/transforms/de.md.
Bytes chunk(int flags, int length, int distance) {
  Bytes made;
  for (const int byte : {4, 2, 1 << 3 | 1, flags, 1 << 3 | 1, length, 1 << 3 | 1, distance, 2 << 3 | 1, 0x7F, 0x80,
                         2 << 3 | 0, 0, 2 << 3 | 0, 0, 2 << 3 | 0, 0}) {
    made.push_back(static_cast<std::byte>(byte));
  }
  return made;
}

Result<void> decode(const Bytes& made, Bytes& out) {
  return Decoder().decode(made, DType::F32, out);
}

TEST(De, decodes_a_chunk_made_by_hand) {
  Bytes out(12);
  const auto decoded = decode(chunk(0b01000000, 0b00001000, 0b10000000), out);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
  EXPECT_EQ(testing::values_of<float>(out), (std::vector<float>{1, 1, 2}));
}

TEST(De, refuses_a_distance_out_of_the_chunk) {
  Bytes out(12);
  EXPECT_FALSE(decode(chunk(0b01000000, 0b00010000, 0b10000000), out).has_value());  // 2 back from element 1
  EXPECT_FALSE(decode(chunk(0b10000000, 0b00001000, 0b10000000), out).has_value());  // the first element repeats
  EXPECT_FALSE(decode(chunk(0b01000000, 0b00000000, 0b00000000), out).has_value());  // distance 0
  EXPECT_FALSE(decode(chunk(0b01000000, 0b11111000, 0b10000000), out).has_value());  // more bits than there are
}

TEST(De, refuses_streams_that_do_not_end_together) {
  Bytes out(12);
  EXPECT_FALSE(decode(chunk(0b00000000, 0b00001000, 0b10000000), out).has_value());  // a third first occurrence
  EXPECT_FALSE(decode(chunk(0b01100000, 0b00001000, 0b10000000), out).has_value());  // a second repeat
  EXPECT_FALSE(decode(chunk(0b01010000, 0b00001000, 0b10000000), out).has_value());  // a fourth flag
}

}  // namespace
}  // namespace elves::encode
