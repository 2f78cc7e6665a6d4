#include "families/improve.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "unit/families/family_data.hpp"

namespace elves::families {
namespace {

constexpr std::uint64_t kBytes = 512u << 10;

/// Layers of one group, and the state that improve() gets.
class ImproveTest : public testing::Test {
 protected:
  template <class Value>
  void add(const Value& value) {
    const auto& sketch = sketches_.emplace_back(sketch_of(DType::BF16, kBytes, value));
    FamilyMember member;
    member.layer.dtype = DType::BF16;
    member.layer.size_bytes = kBytes;
    member.sketch = sketch;
    members_.push_back(member);
    hints_.emplace_back();
  }
  /// The base that tune(seed) changes a little.
  void add_base() { add(Normal(1, 0.02)); }
  void add_tuned(std::uint64_t seed, double noise = 0.01) {
    add([base = Normal(1, 0.02), change = Normal(seed, 0.02 * noise)](std::uint64_t at) {
      return base(at) + change(at);
    });
  }

  Clustering clustering() {
    costs_.emplace(members_, signatures_, caches_);
    std::vector<LayerCost> costs;
    for (std::uint32_t i = 0; i < costs_->size(); ++i)
      costs.push_back({kBytes / 2, costs_->standalone(i), costs_->standalone(i)});
    return Clustering(std::move(costs));
  }
  Link link(std::uint32_t child, std::uint32_t base) { return {child, base, costs_->delta(child, members_[base])}; }
  void improve_it(Clustering& clustering) { improve(*costs_, hints_, clustering); }

  std::deque<std::vector<std::byte>> sketches_;
  std::vector<FamilyMember> members_;
  std::vector<HintedBases> hints_;
  SignatureMaker signatures_;
  SamplesCaches caches_;
  std::optional<GroupCosts> costs_;
};

TEST_F(ImproveTest, the_base_moves_to_the_model_that_the_others_were_made_from) {
  for (std::uint64_t i = 0; i < 12; ++i) add_tuned(100 + i);
  add_base();  // the last
  auto clusters = clustering();
  for (std::uint32_t i = 1; i < 13; ++i) clusters.attach(link(i, 0));
  improve_it(clusters);
  EXPECT_EQ(clusters.base(12), Clustering::kNone);
  for (std::uint32_t i = 0; i < 12; ++i) EXPECT_EQ(clusters.base(i), 12u) << i;
}

TEST_F(ImproveTest, clusters_of_one_family_are_merged) {
  add_base();
  for (std::uint64_t i = 1; i < 8; ++i) add_tuned(200 + i);
  auto clusters = clustering();
  for (std::uint32_t i = 1; i < 5; ++i) clusters.attach(link(i, 0));
  for (std::uint32_t i = 6; i < 8; ++i) clusters.attach(link(i, 5));
  improve_it(clusters);
  for (std::uint32_t i = 1; i < 8; ++i) EXPECT_EQ(clusters.base(i), 0u) << i;
}

TEST_F(ImproveTest, a_layer_chooses_the_better_of_two_bases) {
  add_base();
  add_tuned(300);
  add(Normal(2, 0.02));
  add([base = Normal(2, 0.02), change = Normal(301, 0.0002)](std::uint64_t at) { return base(at) + change(at); });
  add_tuned(302);  // of the first family
  auto clusters = clustering();
  clusters.attach(link(1, 0));
  clusters.attach(link(3, 2));
  clusters.attach({4, 2, costs_->standalone(4)});
  improve_it(clusters);
  EXPECT_EQ(clusters.base(4), 0u);
}

TEST_F(ImproveTest, of_equally_good_bases_the_one_that_lineage_names_is_taken) {
  for (std::uint64_t i = 0; i < 3; ++i) add_tuned(400 + i);
  hints_[0].new_layers[0] = hints_[1].new_layers[0] = 2;
  auto clusters = clustering();
  clusters.attach(link(1, 0));
  clusters.attach(link(2, 0));
  improve_it(clusters);
  EXPECT_EQ(clusters.base(0), 2u);
  EXPECT_EQ(clusters.base(1), 2u);
}

TEST_F(ImproveTest, layers_without_clusters_stay_as_they_are) {
  add_base();
  add(Normal(2, 0.02));
  auto clusters = clustering();
  improve_it(clusters);
  for (std::uint32_t i = 0; i < 2; ++i) EXPECT_EQ(clusters.base(i), Clustering::kNone);
}

}  // namespace
}  // namespace elves::families
