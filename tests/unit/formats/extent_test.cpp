#include "formats/extent.hpp"

#include <gtest/gtest.h>

namespace elves::formats {
namespace {

using Shape = std::vector<std::uint64_t>;

TEST(Extent, layer_bytes_is_the_product_of_shape_and_element_size) {
  EXPECT_EQ(layer_bytes(DType::BF16, Shape{3, 5}), 30u);
  EXPECT_EQ(layer_bytes(DType::F64, Shape{}), 8u) << "a scalar has one element";
  EXPECT_EQ(layer_bytes(DType::F32, Shape{0, 5}), 0u);
  EXPECT_EQ(layer_bytes(DType::F32, Shape{std::uint64_t{1} << 63, 8, 0}), 0u) << "empty, whatever the other dimensions";
  EXPECT_EQ(layer_bytes(DType::U8, Shape{~std::uint64_t{0}}), ~std::uint64_t{0});
}

TEST(Extent, layer_bytes_is_nothing_if_it_overflows) {
  EXPECT_EQ(layer_bytes(DType::F32, Shape{std::uint64_t{1} << 62}), std::nullopt);
  EXPECT_EQ(layer_bytes(DType::U8, Shape{std::uint64_t{1} << 32, std::uint64_t{1} << 32}), std::nullopt);
}

TEST(Extent, layer_bytes_counts_whole_blocks) {
  EXPECT_EQ(layer_bytes(DType::Q4_0, Shape{2, 32}), 36u);
  EXPECT_EQ(layer_bytes(DType::Q4_0, Shape{2, 24}), std::nullopt);
}

}  // namespace
}  // namespace elves::formats
