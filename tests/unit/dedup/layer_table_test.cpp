#include "dedup/layer_table.hpp"

#include <gtest/gtest.h>

#include <set>

namespace elves::dedup {
namespace {

const LayerKey kKey{{1, 2}, 400, DType::F32};
constexpr LossId kLoss{7};
constexpr LossId kOtherLoss{8};

StoredLayer stored_at(std::uint64_t row, LossId loss = kExact) {
  return {{0, row}, {1, 2}, loss};
}

TEST(LayerTable, layers_of_other_bytes_size_or_dtype_are_different) {
  LayerTable table;
  table.insert(kKey, stored_at(5));
  ASSERT_NE(table.find(kKey, kExact), nullptr);
  EXPECT_EQ(table.find(kKey, kExact)->place, (LayerRef{0, 5}));
  EXPECT_EQ(table.find({{1, 3}, 400, DType::F32}, kExact), nullptr);
  EXPECT_EQ(table.find({{1, 2}, 401, DType::F32}, kExact), nullptr);
  EXPECT_EQ(table.find({{1, 2}, 400, DType::I32}, kExact), nullptr);
  EXPECT_EQ(table.size(), 1u);
}

TEST(LayerTable, an_exact_layer_serves_every_sweep) {
  LayerTable table;
  table.insert(kKey, stored_at(5));
  for (const auto allowed : {kExact, kLoss}) EXPECT_NE(table.find(kKey, allowed), nullptr);
}

TEST(LayerTable, a_lossy_layer_serves_only_sweeps_of_the_same_loss) {
  LayerTable table;
  table.insert(kKey, stored_at(5, kLoss));
  EXPECT_NE(table.find(kKey, kLoss), nullptr);
  EXPECT_EQ(table.find(kKey, kExact), nullptr);
  EXPECT_EQ(table.find(kKey, kOtherLoss), nullptr);
  EXPECT_NE(table.latest(kKey), nullptr);
}

TEST(LayerTable, an_exact_entry_replaces_a_lossy_one_and_is_not_replaced) {
  LayerTable table;
  table.insert(kKey, stored_at(1, kLoss));
  table.insert(kKey, stored_at(2, kOtherLoss));
  EXPECT_EQ(table.latest(kKey)->place.row, 2u);
  table.insert(kKey, stored_at(3));
  table.insert(kKey, stored_at(4, kLoss));
  EXPECT_EQ(table.latest(kKey)->place.row, 3u);
  EXPECT_EQ(table.size(), 1u);
}

TEST(LayerTable, keys_that_differ_in_any_field_have_different_hashes) {
  std::set<std::size_t> hashes;
  for (const auto& key :
       {kKey, LayerKey{{1, 3}, 400, DType::F32}, LayerKey{{1, 2}, 401, DType::F32}, LayerKey{{1, 2}, 400, DType::I32}})
    hashes.insert(std::hash<LayerKey>()(key));
  EXPECT_EQ(hashes.size(), 4u);
}

}  // namespace
}  // namespace elves::dedup
