#include "families/group_costs.hpp"

#include <gtest/gtest.h>

#include "unit/families/family_data.hpp"

namespace elves::families {
namespace {

constexpr std::uint64_t kBytes = 512u << 10;

FamilyMember member(std::span<const std::byte> sketch, LossId loss = kExact, DType dtype = DType::F32) {
  FamilyMember made;
  made.layer.dtype = dtype;
  made.layer.size_bytes = sketch.empty() ? 4096 : kBytes;
  made.layer.loss = loss;
  made.sketch = sketch;
  return made;
}

TEST(GroupCosts, a_base_has_the_dtype_and_is_exact_or_loses_the_same) {
  const auto exact = member({});
  const auto lossy = member({}, LossId{1});
  EXPECT_TRUE(may_be_base(exact, exact));
  EXPECT_TRUE(may_be_base(exact, lossy));
  EXPECT_TRUE(may_be_base(lossy, lossy));
  EXPECT_FALSE(may_be_base(lossy, exact));
  EXPECT_FALSE(may_be_base(lossy, member({}, LossId{2})));
  EXPECT_FALSE(may_be_base(exact, member({}, kExact, DType::BF16)));
}

TEST(GroupCosts, deltas_that_are_not_allowed_or_do_not_pay_take_what_the_layer_takes_standalone) {
  const auto base = sketch_of(DType::F32, kBytes, Normal(1, 0.02));
  const auto other = sketch_of(DType::F32, kBytes, Normal(2, 0.02));
  const auto tuned = sketch_of(
      DType::F32, kBytes,
      [near = Normal(1, 0.02), change = Normal(3, 0.0002)](std::uint64_t at) { return near(at) + change(at); });
  const std::vector<FamilyMember> layers{member(tuned), member(other)};
  SignatureMaker signatures;
  SamplesCaches caches;
  const GroupCosts costs(layers, signatures, caches);
  EXPECT_LT(costs.delta(0, member(base)), costs.standalone(0) * 97 / 100);
  EXPECT_EQ(costs.delta(0, member(base)), costs.hinted_delta(0, member(base)));
  EXPECT_EQ(costs.delta(0, member(base, LossId{1})), costs.standalone(0)) << "of another loss";
  EXPECT_EQ(costs.delta(1, member(base)), costs.standalone(1)) << "unrelated";
  EXPECT_EQ(costs.delta(0, member({})), costs.standalone(0)) << "no sketch";
}

TEST(GroupCosts, a_hinted_base_without_a_sketch_is_taken_to_save_a_little) {
  const std::vector<FamilyMember> layers{member({})};
  SignatureMaker signatures;
  SamplesCaches caches;
  const GroupCosts costs(layers, signatures, caches);
  EXPECT_EQ(costs.standalone(0), 16 * kOneBit);
  EXPECT_EQ(costs.hinted_delta(0, member({})), 16 * kOneBit - 16 * kOneBit / 25);
  EXPECT_EQ(costs.hinted_delta(0, member({}, LossId{1})), costs.standalone(0)) << "not allowed";
}

}  // namespace
}  // namespace elves::families
