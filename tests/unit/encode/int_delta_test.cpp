#include <gtest/gtest.h>

#include <numeric>

#include "chunk_data.hpp"
#include "encode/registry.hpp"
#include "encode/streams.hpp"
#include "encode/transforms/int_delta/kernel.hpp"

namespace elves::encode {
namespace {

using testing::Bytes;

template <class Word>
std::vector<Word> differences(const std::vector<Word>& words) {
  Bytes made(words.size() * sizeof(Word));
  int_delta::to_differences<Word>(testing::bytes_of(words).data(), words.size(), made.data());
  return testing::values_of<Word>(made);
}

template <class Word>
std::vector<Word> sums(const std::vector<Word>& folded) {
  Bytes made(folded.size() * sizeof(Word));
  int_delta::from_differences<Word>(testing::bytes_of(folded).data(), folded.size(), made.data());
  return testing::values_of<Word>(made);
}

TEST(IntDelta, takes_the_difference_from_the_word_before) {
  EXPECT_EQ(differences<std::uint16_t>({1000, 1001, 1003, 1002}), (std::vector<std::uint16_t>{2000, 2, 4, 1}));
  EXPECT_EQ(differences<std::uint32_t>({0xFFFFFFFF, 0x7FFFFFFF}), (std::vector<std::uint32_t>{1, 0xFFFFFFFF}));
  EXPECT_EQ(differences<std::uint64_t>({}), (std::vector<std::uint64_t>{}));
}

template <class Word>
void expect_words_back() {
  testing::Random random(1);
  for (const std::size_t n : {0u, 1u, 2u, 15u, 16u, 17u, 63u, 64u, 65u, 1000u}) {
    std::vector<Word> words;
    for (std::size_t i = 0; i < n; ++i) words.push_back(static_cast<Word>(random.bits() >> random.below(64)));
    EXPECT_EQ(sums(differences(words)), words) << n << " words of " << sizeof(Word);
  }
}

TEST(IntDelta, round_trips_any_words) {
  expect_words_back<std::uint16_t>();
  expect_words_back<std::uint32_t>();
  expect_words_back<std::uint64_t>();
}

/// A table of integers: element i is `value(i)`.
template <class Value>
Bytes table(DType dtype, std::size_t n, Value value) {
  Bytes bytes;
  for (std::size_t i = 0; i < n; ++i) {
    const auto number = static_cast<std::uint64_t>(value(i));
    const auto* from = reinterpret_cast<const std::byte*>(&number);
    bytes.insert(bytes.end(), from, from + size_bytes(dtype));
  }
  return bytes;
}

struct Encoded {
  TransformId transform;
  std::size_t bytes;
};

Encoded encode(const Bytes& raw, DType dtype, EncodeOptions options = {}) {
  Bytes encoded;
  const auto stats = Encoder().encode(raw, dtype, options, encoded);
  Bytes back(raw.size());
  EXPECT_TRUE(Decoder().decode(encoded, dtype, back).has_value());
  EXPECT_EQ(back, raw);
  return {stats.transform, encoded.size()};
}

std::size_t in_planes(const Bytes& raw, DType dtype) {
  Scratch scratch;
  Split split;
  kPlanes.split({raw, dtype}, {}, scratch, split);
  Bytes encoded;
  StreamEncoder().encode(split.streams, {}, scratch, encoded);
  return encoded.size();
}

const DType kIntegers[] = {DType::U16, DType::I16, DType::U32, DType::I32, DType::U64, DType::I64};

TEST(IntDelta, is_chosen_for_sorted_tables_and_makes_them_much_smaller_than_planes) {
  for (const DType dtype : kIntegers) {
    testing::Random random(2);
    std::uint64_t at = 0;
    const auto step = size_bytes(dtype) == 2 ? 3u : 200u;
    const auto raw = table(dtype, 20000, [&](std::size_t) { return at += random.below(step); });
    const auto chosen = encode(raw, dtype);
    EXPECT_EQ(chosen.transform, TransformId::IntDelta) << name(dtype);
    EXPECT_LT(chosen.bytes, in_planes(raw, dtype) * 3 / 4) << name(dtype);
  }
}

TEST(IntDelta, is_chosen_for_numbers_that_change_slowly) {
  for (const DType dtype : kIntegers) {
    testing::Random random(3);
    std::int64_t at = 12345;
    const auto raw = table(dtype, 20000, [&](std::size_t) { return at += static_cast<int>(random.below(41)) - 20; });
    EXPECT_EQ(encode(raw, dtype).transform, TransformId::IntDelta) << name(dtype);
  }
}

TEST(IntDelta, is_not_tried_for_unrelated_neighbours) {
  for (const DType dtype : kIntegers) {
    EXPECT_FALSE(kIntDelta.worth_trying({testing::random_bytes(80000, 4), dtype})) << name(dtype);
    EXPECT_FALSE(kIntDelta.worth_trying({testing::normal_weights(dtype, 20000, 0.05, 5), dtype})) << name(dtype);
    EXPECT_FALSE(kIntDelta.worth_trying({Bytes(80000), dtype})) << name(dtype) << ": constant";
    EXPECT_FALSE(kIntDelta.worth_trying({{}, dtype})) << name(dtype);
    EXPECT_FALSE(kIntDelta.worth_trying({Bytes(size_bytes(dtype), std::byte{9}), dtype})) << name(dtype);
  }
}

TEST(IntDelta, is_for_integers_of_two_bytes_and_more) {
  for (const DType dtype : testing::all_dtypes()) {
    EXPECT_EQ(kIntDelta.accepts(dtype, {}), std::ranges::find(kIntegers, dtype) != std::end(kIntegers)) << name(dtype);
  }
}

}  // namespace
}  // namespace elves::encode
