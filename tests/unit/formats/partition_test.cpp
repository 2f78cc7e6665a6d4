#include "formats/partition.hpp"

#include <gtest/gtest.h>

#include <string>

namespace elves::formats {
namespace {

Extent layer(std::string name, std::uint64_t offset_bytes, std::uint64_t length_bytes) {
  return {.offset_bytes = offset_bytes,
          .length_bytes = length_bytes,
          .is_layer = true,
          .dtype = DType::U8,
          .name = std::move(name),
          .shape = {length_bytes}};
}

/// "4+2 'a'" for each extent, or the error message.
std::string shown(std::vector<Extent> found, std::uint64_t file_bytes) {
  const auto extents = partition(std::move(found), file_bytes);
  if (!extents) return extents.error().message;
  std::string text;
  for (const auto& each : *extents) {
    text += std::to_string(each.offset_bytes) + "+" + std::to_string(each.length_bytes) + each.name + " ";
  }
  return text;
}

TEST(Partition, extents_are_sorted_and_gaps_become_glue) {
  EXPECT_EQ(shown({layer("b", 7, 3), layer("a", 2, 4)}, 12), "0+2 2+4a 6+1 7+3b 10+2 ");
  EXPECT_EQ(shown({layer("a", 0, 5), layer("b", 5, 5)}, 10), "0+5a 5+5b ");
}

TEST(Partition, a_file_without_extents_is_glue_and_an_empty_file_has_none) {
  EXPECT_EQ(shown({}, 10), "0+10 ");
  EXPECT_EQ(shown({}, 0), "");
}

TEST(Partition, empty_layers_may_lie_anywhere_between_others) {
  EXPECT_EQ(shown({layer("a", 0, 5), layer("empty", 5, 0), layer("b", 5, 5)}, 10), "0+5a 5+0empty 5+5b ");
  EXPECT_EQ(shown({layer("a", 0, 5), layer("empty", 3, 0)}, 10), "layer 'empty' overlaps another layer");
}

TEST(Partition, overlaps_are_an_error) {
  EXPECT_EQ(shown({layer("a", 0, 5), layer("b", 4, 5)}, 10), "layer 'b' overlaps another layer");
}

TEST(Partition, extents_past_the_end_are_an_error) {
  EXPECT_EQ(shown({layer("a", 6, 5)}, 10), "layer 'a' passes the end of the file");
  EXPECT_EQ(shown({layer("a", ~std::uint64_t{0}, 5)}, 10), "layer 'a' passes the end of the file");
}

TEST(Partition, layers_have_the_size_of_their_dtype_and_shape) {
  auto wrong = layer("a", 0, 4);
  wrong.shape = {5};
  EXPECT_EQ(shown({wrong}, 10), "layer 'a' has 4 bytes, but its dtype and shape need 5");
  wrong.dtype = DType::F64;
  wrong.shape = {std::uint64_t{1} << 62};
  EXPECT_EQ(shown({wrong}, 10), "layer 'a' has a shape whose size overflows");
}

}  // namespace
}  // namespace elves::formats
