#include "archive/tables.hpp"

#include <gtest/gtest.h>

#include <string>

namespace elves::archive {
namespace {

std::size_t bytes_of(h5::Scalar type) {
  switch (type) {
    case h5::Scalar::U8:
      return 1;
    case h5::Scalar::U16:
      return 2;
    case h5::Scalar::U32:
      return 4;
    case h5::Scalar::U64:
    case h5::Scalar::I64:
    case h5::Scalar::F64:
      return 8;
  }
  return 0;
}

template <class Row>
class Tables : public testing::Test {};
using Rows = testing::Types<ChunkRow, LayerRow, ExtentRow, FileRow, ModelRow, SketchRow>;
TYPED_TEST_SUITE(Tables, Rows);

TYPED_TEST(Tables, columns_cover_the_row_without_gaps_and_end_with_its_check) {
  const auto& type = row_type<TypeParam>();
  std::size_t end = 0;
  for (const auto& field : type.fields) {
    EXPECT_EQ(field.offset_bytes, end) << TypeParam::kTable << "." << field.name;
    end += bytes_of(field.type) * field.count;
  }
  EXPECT_EQ(end, sizeof(TypeParam));
  EXPECT_EQ(type.size_bytes, sizeof(TypeParam));
  EXPECT_STREQ(type.fields.back().name, "check");
}

TYPED_TEST(Tables, the_check_depends_on_each_byte_of_the_row_and_of_its_names) {
  TypeParam row;
  const std::string names = "name";
  const auto check = row_check(row, std::as_bytes(std::span(names)));
  for (std::size_t i = 0; i + sizeof row.check < sizeof row; ++i) {
    auto changed = row;
    reinterpret_cast<unsigned char*>(&changed)[i] ^= 1;
    EXPECT_NE(row_check(changed, std::as_bytes(std::span(names))), check) << TypeParam::kTable << " byte " << i;
  }
  const std::string other = "nama";
  EXPECT_NE(row_check(row, std::as_bytes(std::span(other))), check);
  row.check = 77;
  EXPECT_EQ(row_check(row, std::as_bytes(std::span(names))), check) << "the check is not part of itself";
}

TEST(NamesOf, a_row_covers_its_texts_and_numbers) {
  LayerRow layer;
  layer.shape_offset = 40;
  layer.ndim = 3;
  EXPECT_EQ(names_of(layer).offset, 40u);
  EXPECT_EQ(names_of(layer).size_bytes, 24u);
  ExtentRow extent;
  extent.name_offset = 7;
  extent.name_bytes = 5;
  extent.ndim = 2;
  EXPECT_EQ(names_of(extent).offset, 7u);
  EXPECT_EQ(names_of(extent).size_bytes, 5u + 16u);
  FileRow file;
  file.path_bytes = 0xFFFFFFFF;
  file.target_bytes = 2;
  EXPECT_EQ(names_of(file).size_bytes, 0x100000001u) << "lengths of a damaged row do not wrap around";
}

TEST(ShardName, has_eight_digits) {
  EXPECT_EQ(shard_name(0), "shard-00000000.h5");
  EXPECT_EQ(shard_name(12345678), "shard-12345678.h5");
}

}  // namespace
}  // namespace elves::archive
