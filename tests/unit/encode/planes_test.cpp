#include <gtest/gtest.h>

#include "chunk_data.hpp"
#include "encode/registry.hpp"
#include "encode/transforms/planes/kernel.hpp"

namespace elves::encode {
namespace {

using testing::Bytes;

std::vector<Bytes> split(const Bytes& raw, DType dtype) {
  Scratch scratch;
  Split split;
  kPlanes.split({raw, dtype}, {}, scratch, split);
  std::vector<Bytes> streams;
  for (const auto& stream : split.streams) streams.emplace_back(stream.bytes.begin(), stream.bytes.end());
  return streams;
}

Bytes bytes(std::initializer_list<int> values) {
  Bytes made;
  for (const int value : values) made.push_back(static_cast<std::byte>(value));
  return made;
}

TEST(Planes, put_the_exponent_of_a_float_in_one_plane) {
  // -1.5 is sign 1, exponent 127, mantissa 0x400000; 0.1 is sign 0, exponent 123, mantissa 0x4CCCCD.
  const auto streams = split(testing::bytes_of<float>({-1.5F, 0.1F}), DType::F32);
  ASSERT_EQ(streams.size(), 4u);
  EXPECT_EQ(streams[0], bytes({127, 123}));
  EXPECT_EQ(streams[1], bytes({0x80, 0x99}));
  EXPECT_EQ(streams[2], bytes({0x00, 0x99}));
  EXPECT_EQ(streams[3], bytes({0x01, 0x9A}));
}

TEST(Planes, put_the_sign_of_bf16_below_its_mantissa) {
  const auto streams = split(testing::bytes_of<std::uint16_t>({0xBFC0, 0x3DCC}), DType::BF16);
  ASSERT_EQ(streams.size(), 2u);
  EXPECT_EQ(streams[0], bytes({127, 123}));
  EXPECT_EQ(streams[1], bytes({0x81, 0x98}));
}

TEST(Planes, of_integers_begin_with_the_most_significant_byte) {
  const auto streams = split(testing::bytes_of<std::uint32_t>({0x01020304, 0xA1A2A3A4}), DType::U32);
  EXPECT_EQ(streams, (std::vector<Bytes>{bytes({1, 0xA1}), bytes({2, 0xA2}), bytes({3, 0xA3}), bytes({4, 0xA4})}));
}

TEST(Planes, treat_complex_numbers_as_their_parts) {
  const auto raw = testing::bytes_of<float>({-1.5F, 0.1F, 3.0F, -4.0F});
  EXPECT_EQ(split(raw, DType::C64), split(raw, DType::F32));
}

TEST(Planes, do_not_accept_dtypes_of_one_byte) {
  for (const DType dtype : {DType::Bytes, DType::Bool, DType::U8, DType::I8}) EXPECT_FALSE(kPlanes.accepts(dtype, {}));
}

TEST(PlanesKernel, drops_missing_planes_and_joins_them_as_zeros) {
  const auto words = testing::bytes_of<std::uint64_t>({0x0102030405060708, 0x1112131415161718});
  Bytes top(2);
  Bytes next(2);
  const std::array<std::byte*, 2> to{top.data(), next.data()};
  split_planes({.n_bytes = 8}, words.data(), 2, to);
  EXPECT_EQ(top, bytes({0x01, 0x11}));
  EXPECT_EQ(next, bytes({0x02, 0x12}));

  Bytes back(16);
  const std::array<const std::byte*, 2> from{top.data(), next.data()};
  join_planes({.n_bytes = 8}, from, 2, back.data());
  EXPECT_EQ(testing::values_of<std::uint64_t>(back), (std::vector<std::uint64_t>{0x0102ull << 48, 0x1112ull << 48}));
}

}  // namespace
}  // namespace elves::encode
