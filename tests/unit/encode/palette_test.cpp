#include <gtest/gtest.h>

#include "chunk_data.hpp"
#include "encode/registry.hpp"
#include "encode/streams.hpp"
#include "encode/transforms/palette/kernel.hpp"
#include "encode/transforms/planes/planes.hpp"

namespace elves::encode {
namespace {

using testing::Bytes;

const DType kDTypes[] = {DType::U16, DType::BF16, DType::U32, DType::F32, DType::C64, DType::I64, DType::F64};

/// n elements, drawn from n_values random words; the first n_values elements are all of them.
Bytes few(DType dtype, std::size_t n, std::size_t n_values, std::uint64_t seed = 1) {
  testing::Random random(seed);
  const auto size = dtype == DType::C64 ? 4 : size_bytes(dtype);
  std::vector<std::uint64_t> values;
  for (std::size_t i = 0; i < n_values; ++i) values.push_back(i * 0x0101010101010101 + (random.bits() << 16));
  Bytes raw;
  for (std::size_t i = 0; raw.size() < n * size_bytes(dtype); ++i) {
    const auto* from = reinterpret_cast<const std::byte*>(&values[i < n_values ? i : random.below(n_values)]);
    raw.insert(raw.end(), from, from + size);
  }
  return raw;
}

/// A copy of the header and the streams of a split.
struct Parts {
  Bytes header;
  std::vector<Bytes> streams;
};

Parts split(const Bytes& raw, DType dtype) {
  Scratch scratch;
  Split split;
  kPalette.split({raw, dtype}, {}, scratch, split);
  Parts parts{split.header, {}};
  for (const auto& stream : split.streams) parts.streams.emplace_back(stream.bytes.begin(), stream.bytes.end());
  return parts;
}

Bytes bytes(std::initializer_list<int> values) {
  Bytes made;
  for (const int value : values) made.push_back(static_cast<std::byte>(value));
  return made;
}

TEST(Palette, sorts_values_and_packs_indices) {
  const auto parts = split(testing::bytes_of<std::uint16_t>({7, 0xFFFF, 5, 5, 0xFFFF}), DType::I16);
  EXPECT_EQ(parts.header, bytes({3, 5}));
  ASSERT_EQ(parts.streams.size(), 2u);
  EXPECT_EQ(parts.streams[0], bytes({5, 0, 7, 0, 0xFF, 0xFF}));
  EXPECT_EQ(parts.streams[1], bytes({0b01100000, 0b10000000}));
}

TEST(Palette, distinguishes_zeros_and_NaNs_by_their_bits) {
  const auto raw = testing::bytes_of<std::uint32_t>({0x00000000, 0x80000000, 0x7FC00000, 0x7FC00001});
  EXPECT_EQ(split(raw, DType::F32).header, bytes({4, 4}));
}

TEST(Palette, round_trips_any_number_of_values_and_elements) {
  for (const DType dtype : kDTypes) {
    for (const std::size_t n_values : {1u, 2u, 3u, 4u, 5u, 16u, 17u, 255u, 256u, 257u, 300u}) {
      for (const std::size_t n : {n_values, n_values + 1, n_values + 7, std::size_t{1000}}) {
        SCOPED_TRACE(std::string(name(dtype)) + ", " + std::to_string(n_values) + " values, " + std::to_string(n));
        const auto raw = few(dtype, n, n_values);
        const auto parts = split(raw, dtype);
        const auto n_words = raw.size() / planes::shape_of(dtype).n_bytes;
        ASSERT_EQ(parts.streams.size(), n_values > 256 ? 1u : 2u);
        if (n_values <= 256) {
          ASSERT_EQ(parts.streams[1].size(), (n_words * palette::index_bits(n_values) + 7) / 8);
        }
        Scratch scratch;
        Split again;
        kPalette.split({raw, dtype}, {}, scratch, again);
        ByteCursor header(again.header);
        SplitStreams source(again);
        Bytes back(raw.size());
        ASSERT_TRUE(kPalette.join(header, source, dtype, scratch, back, {}).has_value());
        ASSERT_EQ(back, raw);
      }
    }
  }
}

TEST(Palette, is_chosen_for_few_values_and_takes_about_their_entropy) {
  for (const DType dtype : kDTypes) {
    for (const std::size_t n_values : {2u, 3u, 9u, 100u}) {
      SCOPED_TRACE(std::string(name(dtype)) + ", " + std::to_string(n_values));
      const auto raw = few(dtype, 60000, n_values);
      Bytes encoded;
      EXPECT_EQ(Encoder().encode(raw, dtype, {.lossless = true}, encoded).transform, TransformId::Palette);
      const double n_words = static_cast<double>(raw.size()) / static_cast<double>(planes::shape_of(dtype).n_bytes);
      EXPECT_LT(static_cast<double>(encoded.size()), n_words * std::log2(n_values) / 8 * 1.04 + 3000);
    }
  }
}

TEST(Palette, is_worth_trying_for_2_to_256_values) {
  for (const DType dtype : kDTypes) {
    SCOPED_TRACE(name(dtype));
    EXPECT_FALSE(kPalette.worth_trying({few(dtype, 5000, 1), dtype}));
    EXPECT_TRUE(kPalette.worth_trying({few(dtype, 5000, 2), dtype}));
    EXPECT_TRUE(kPalette.worth_trying({few(dtype, 5000, 256), dtype}));
    EXPECT_FALSE(kPalette.worth_trying({few(dtype, 5000, 257), dtype}));
    EXPECT_FALSE(kPalette.worth_trying({testing::random_bytes(40000, 2), dtype}));
    EXPECT_FALSE(kPalette.worth_trying({{}, dtype}));
  }
}

TEST(Palette, finds_the_257th_value_anywhere) {
  auto raw = few(DType::F32, 100000, 256);
  ASSERT_TRUE(kPalette.worth_trying({raw, DType::F32}));
  for (const std::size_t at : {0u, 51234u, 99999u}) {
    auto other = raw;
    std::fill_n(other.begin() + static_cast<std::ptrdiff_t>(at * 4), 4, std::byte{0xEE});
    if (at == 0) std::copy_n(raw.begin(), 4, other.begin() + 400);  // the value that was there stays in use
    EXPECT_FALSE(kPalette.worth_trying({other, DType::F32})) << at;
  }
}

TEST(Palette, refuses_an_index_out_of_range) {
  const auto chunk = [](int index) { return bytes({6, 3, 4, 6 << 3 | 1, 5, 0, 7, 0, 9, 0, 1 << 3 | 1, index}); };
  Bytes back(8);
  EXPECT_TRUE(Decoder().decode(chunk(0b00011010), DType::U16, back).has_value());
  EXPECT_EQ(back, bytes({5, 0, 7, 0, 9, 0, 9, 0}));
  EXPECT_FALSE(Decoder().decode(chunk(0b00011110), DType::U16, back).has_value());
}

TEST(Palette, refuses_headers_that_do_not_fit) {
  Bytes back(8);
  const auto decodes = [&](Bytes chunk) { return Decoder().decode(chunk, DType::U16, back).has_value(); };
  EXPECT_TRUE(decodes(bytes({6, 1, 4, 2 << 3 | 1, 5, 0, 1 << 3 | 1, 0})));
  EXPECT_FALSE(decodes(bytes({6, 1, 3, 2 << 3 | 1, 5, 0, 1 << 3 | 1, 0}))) << "three elements where four are due";
  EXPECT_FALSE(decodes(bytes({6, 2, 4, 2 << 3 | 1, 5, 0, 1 << 3 | 1, 0}))) << "values of another size";
  EXPECT_FALSE(decodes(bytes({6, 0x81, 0x02, 4, 2 << 3 | 1, 5, 0, 1 << 3 | 1, 0}))) << "257 values";
  EXPECT_FALSE(decodes(bytes({6})));
}

}  // namespace
}  // namespace elves::encode
