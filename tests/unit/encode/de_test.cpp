#include <gtest/gtest.h>

#include <bit>
#include <unordered_map>

#include "chunk_data.hpp"
#include "encode/bits.hpp"
#include "encode/registry.hpp"
#include "encode/streams.hpp"
#include "encode/transforms/de/kernel.hpp"

namespace elves::encode {
namespace {

using testing::Bytes;

struct Made {
  de::Sizes sizes;
  Bytes flags;
  Bytes lengths;
  Bytes distances;
  Bytes distinct;
};

template <class Word>
Made encode(const std::vector<Word>& words) {
  const std::size_t n = words.size();
  Made made{{}, Bytes(n / 8 + 1), Bytes(n), Bytes(4 * n + 1), Bytes(n * sizeof(Word))};
  std::vector<Word> sorted(n, 7);
  std::vector<std::uint32_t> positions(n, 12345), back(n, 12345), table(de::table_slots(n), 12345);
  made.sizes = de::encode<Word>(testing::bytes_of(words).data(), n, {sorted, positions, back, table},
                                {made.flags.data(), made.lengths.data(), made.distances.data(), made.distinct.data()});
  made.distinct.resize(made.sizes.n_distinct * sizeof(Word));
  return made;
}

TEST(De, codes_the_example_of_figure_8) {
  // P_1000000 repeats P_0: flag 1, L = 20, D = 1000000 in 20 bits. All words between are first occurrences.
  std::vector<std::uint32_t> words(1000001);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = static_cast<std::uint32_t>(0x3C000000 + i);
  words[1000000] = words[0];
  const auto made = encode(words);
  EXPECT_EQ(made.sizes.n_distinct, 1000000u);
  BitReader flags(made.flags);
  for (int i = 0; i < 1000000; ++i) ASSERT_EQ(flags.read(1), 0u);
  EXPECT_EQ(flags.read(1), 1u);
  ASSERT_EQ(made.sizes.length_bytes, 1u);
  EXPECT_EQ(BitReader(made.lengths).read(5), 20u);
  ASSERT_EQ(made.sizes.distance_bytes, 3u);
  EXPECT_EQ(BitReader(made.distances).read(20), 1000000u);
}

TEST(De, points_to_the_last_occurrence) {
  const auto made = encode<std::uint32_t>({7, 8, 7, 7, 8});
  EXPECT_EQ(made.flags[0], std::byte{0b00111000});
  EXPECT_EQ(made.sizes.n_distinct, 2u);
  BitReader lengths(made.lengths);
  BitReader distances(made.distances);
  const std::uint64_t expected[] = {2, 1, 3};
  for (const auto distance : expected) {
    EXPECT_EQ(distances.read(static_cast<unsigned>(lengths.read(5))), distance);
  }
}

/// The distance to the last occurrence of each word, 0 for the first occurrence; by a plain search.
template <class Word>
std::vector<std::uint64_t> distances_of(const std::vector<Word>& words) {
  std::unordered_map<Word, std::size_t> last;
  std::vector<std::uint64_t> distances;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto [at, is_new] = last.try_emplace(words[i], i);
    distances.push_back(is_new ? 0 : i - at->second);
    at->second = i;
  }
  return distances;
}

template <class Word>
void expect_all_found(const std::vector<Word>& words) {
  const auto made = encode(words);
  BitReader flags(made.flags);
  BitReader lengths(made.lengths);
  BitReader distances(made.distances);
  std::vector<Word> distinct;
  for (std::size_t i = 0; const auto expected : distances_of(words)) {
    ASSERT_EQ(flags.read(1), expected == 0 ? 0u : 1u) << i << " of " << words.size();
    if (expected == 0) {
      distinct.push_back(words[i]);
    } else {
      const auto n_bits = static_cast<unsigned>(lengths.read(5));
      ASSERT_EQ(n_bits, std::bit_width(expected)) << i << " of " << words.size();
      ASSERT_EQ(distances.read(n_bits), expected) << i << " of " << words.size();
    }
    ++i;
  }
  EXPECT_EQ(made.distinct, testing::bytes_of(distinct));
}

TEST(De, finds_each_repeat_for_any_number_of_words) {
  testing::Random random(3);
  for (const std::size_t n : {0u, 1u, 2u, 63u, 64u, 65u, 8191u, 8192u, 16383u, 16384u, 100000u, 1u << 20}) {
    for (const std::size_t n_values : {std::size_t{1}, std::size_t{300}, n / 2 + 1, std::size_t{1} << 40}) {
      std::vector<std::uint32_t> narrow;
      std::vector<std::uint64_t> wide;
      for (std::size_t i = 0; i < n; ++i) {
        const auto value = random.below(n_values);
        narrow.push_back(static_cast<std::uint32_t>(value) << 12);  // like floats that were cast up
        wide.push_back(static_cast<std::uint64_t>(value) << 44);
      }
      expect_all_found(narrow);
      expect_all_found(wide);
    }
  }
}

TEST(De, round_trips_words_with_equal_hashes_in_linear_time) {
  std::vector<std::uint64_t> words;
  std::uint64_t inverse = 1;  // of the multiplier of the hash
  for (int i = 0; i < 6; ++i) inverse *= 2 - 0x9E3779B97F4A7C15 * inverse;
  for (std::uint64_t i = 0; i < kChunkBytes / 8; ++i) {
    const auto mixed = (i % 400000) * inverse;
    words.push_back(mixed ^ mixed >> 32);
  }
  const auto raw = testing::bytes_of(words);
  Scratch scratch;
  Split split;
  kDe.split({raw, DType::F64}, {}, scratch, split);
  ByteCursor header(split.header);
  SplitStreams source(split);
  Bytes back(raw.size());
  ASSERT_TRUE(kDe.join(header, source, DType::F64, scratch, back, {}).has_value());
  EXPECT_EQ(back, raw);
}

TEST(De, distinguishes_zeros_and_NaNs_by_their_bits) {
  EXPECT_EQ(encode<std::uint32_t>({0x00000000, 0x80000000, 0x7FC00000, 0x7FC00001, 0x7FC00000}).sizes.n_distinct, 4u);
  EXPECT_EQ(encode<std::uint64_t>({0, 1ull << 63, 0, 0x7FF0000000000001, 0x7FF0000000000002}).sizes.n_distinct, 4u);
}

TEST(De, is_worth_trying_only_if_values_repeat) {
  const auto ask = [](const Bytes& raw) { return kDe.worth_trying({raw, DType::F32}); };
  EXPECT_FALSE(ask(testing::normal_weights(DType::F32, 20000, 0.02, 1)));
  EXPECT_TRUE(ask(Bytes(80000)));
  EXPECT_FALSE(ask({}));
}

TEST(De, samples_several_places_of_the_chunk) {
  const auto weights = testing::normal_weights(DType::F32, 100000, 0.02, 1);
  for (const std::size_t place : {0u, 1u, 2u, 3u}) {
    auto raw = weights;
    const auto first = place * 99000 / 3 * 4;  // of four places that are spread evenly
    std::fill_n(raw.begin() + static_cast<std::ptrdiff_t>(first), 4000, std::byte{0});
    EXPECT_TRUE(kDe.worth_trying({raw, DType::F32})) << place;
  }
}

// A chunk of the floats 1.0, 1.0, 2.0, made by hand, as in docs/format/transforms/de.md.
Bytes chunk(int flags, int length, int distance) {
  Bytes made;
  for (const int byte : {3, 2, 1 << 3 | 1, flags, 1 << 3 | 1, length, 1 << 3 | 1, distance, 2 << 3 | 1, 0x7F, 0x80,
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

TEST(De, refuses_a_distance_that_points_outside_the_chunk) {
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
