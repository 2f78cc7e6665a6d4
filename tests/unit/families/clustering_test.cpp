#include "families/clustering.hpp"

#include <gtest/gtest.h>

namespace elves::families {
namespace {

std::vector<LayerCost> equal_costs(std::size_t n) {
  return std::vector<LayerCost>(n, {.n_elements = 1000, .standalone = 10 * kOneBit, .outside = 10 * kOneBit});
}

TEST(Clustering, the_layer_that_saves_most_becomes_a_base) {
  Clustering clusters(equal_costs(4));
  std::vector<Link> links;
  for (std::uint32_t child : {0u, 1u, 3u}) links.push_back({child, 2, 5 * kOneBit});
  for (std::uint32_t child : {1u, 2u, 3u}) links.push_back({child, 0, 6 * kOneBit});
  clusters.open(links);
  EXPECT_TRUE(clusters.has_children(2));
  for (std::uint32_t child : {0u, 1u, 3u}) EXPECT_EQ(clusters.base(child), 2u);
  EXPECT_EQ(clusters.base(2), Clustering::kNone);
  EXPECT_EQ(clusters.bits(0), 5 * kOneBit);
}

TEST(Clustering, a_base_has_no_base) {
  Clustering clusters(equal_costs(3));
  std::vector<Link> links{{1, 0, kOneBit}, {2, 1, kOneBit}, {0, 2, kOneBit}};  // a circle
  clusters.open(links);
  for (std::uint32_t i = 0; i < 3; ++i) {
    if (clusters.base(i) == Clustering::kNone) continue;
    EXPECT_EQ(clusters.base(clusters.base(i)), Clustering::kNone);
  }
  EXPECT_TRUE(clusters.has_children(0));
}

TEST(Clustering, a_base_is_made_only_if_its_children_save_more_than_it_costs) {
  auto costs = equal_costs(3);
  for (auto& cost : costs) cost.outside = 6 * kOneBit;  // all have a base outside
  std::vector<Link> links{{1, 0, 4 * kOneBit}};
  Clustering one(costs);
  one.open(links);  // saves 2 bits, costs 4
  EXPECT_FALSE(one.has_children(0));
  links = {{1, 0, 3 * kOneBit}, {2, 0, 4 * kOneBit}};
  Clustering two(costs);
  two.open(links);  // saves 5, costs 4
  EXPECT_TRUE(two.has_children(0));
  EXPECT_EQ(two.bits(0), 10 * kOneBit);
}

TEST(Clustering, equal_links_count_once) {
  auto costs = equal_costs(2);
  costs[0].outside = 5 * kOneBit;
  std::vector<Link> links{{1, 0, 6 * kOneBit}, {1, 0, 6 * kOneBit}};
  Clustering clusters(costs);
  clusters.open(links);  // saves 4, costs 5
  EXPECT_FALSE(clusters.has_children(0));
}

TEST(Clustering, a_detached_layer_has_its_base_outside_again) {
  auto costs = equal_costs(2);
  costs[0].outside = 5 * kOneBit;
  Clustering clusters(costs);
  clusters.attach({0, 1, 2 * kOneBit});
  EXPECT_EQ(clusters.bits(0), 2 * kOneBit);
  clusters.detach(0);
  EXPECT_EQ(clusters.bits(0), 5 * kOneBit);
  EXPECT_FALSE(clusters.has_children(1));
}

}  // namespace
}  // namespace elves::families
