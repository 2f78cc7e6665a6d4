#include "lineage/lineage.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace elves::lineage {
namespace {

Hash128 model(int number) {
  return hash_of_model("org/" + std::to_string(number));
}

LineageClaim claim(int of, int base, BaseSource source = BaseSource::Card, bool in_sweep = true, bool known = true) {
  LineageClaim claim;
  claim.model = model(of);
  claim.base = model(base);
  claim.source = source;
  claim.base_is_known = known ? 1 : 0;
  claim.base_is_in_sweep = in_sweep ? 1 : 0;
  return claim;
}

using Results = std::vector<ClaimResult>;
using Bases = std::array<Hash128, 2>;

TEST(Lineage, is_empty_without_claims) {
  const auto resolved = resolve_lineage({});
  EXPECT_TRUE(resolved.lineage.empty());
  EXPECT_EQ(resolved.lineage.bases_of(model(1)), Bases{});
  EXPECT_EQ(resolved.lineage.tier_of(model(1)), 0);
}

TEST(Lineage, a_model_is_one_tier_above_its_base) {
  const std::vector claims{claim(3, 2), claim(2, 1), claim(4, 3), claim(5, 4), claim(6, 5)};
  const auto [lineage, results] = resolve_lineage(claims);
  EXPECT_EQ(results, Results(5, ClaimResult::Hint));
  EXPECT_EQ(lineage.bases_of(model(3)), (Bases{model(2), {}}));
  const std::vector<int> tiers{0, 1, 2, 3, 3, 3};
  for (int m = 1; m <= 6; ++m) EXPECT_EQ(lineage.tier_of(model(m)), tiers[static_cast<std::size_t>(m) - 1]) << m;
}

TEST(Lineage, a_model_with_two_bases_is_above_both) {
  const std::vector claims{claim(4, 1), claim(4, 3), claim(3, 2)};
  const auto lineage = resolve_lineage(claims).lineage;
  EXPECT_EQ(lineage.tier_of(model(4)), 2);
  auto bases = lineage.bases_of(model(4));
  std::sort(bases.begin(), bases.end());
  EXPECT_EQ(bases, (Bases{std::min(model(1), model(3)), std::max(model(1), model(3))}));
}

TEST(Lineage, a_base_of_an_earlier_sweep_is_a_hint_and_does_not_raise_the_tier) {
  const std::vector claims{claim(2, 1, BaseSource::Card, false)};
  const auto [lineage, results] = resolve_lineage(claims);
  EXPECT_EQ(results, Results{ClaimResult::Hint});
  EXPECT_EQ(lineage.bases_of(model(2))[0], model(1));
  EXPECT_EQ(lineage.tier_of(model(2)), 0);
}

TEST(Lineage, an_absent_base_is_a_hint) {
  const std::vector claims{claim(2, 1, BaseSource::Card, false, false)};
  const auto [lineage, results] = resolve_lineage(claims);
  EXPECT_EQ(results, Results{ClaimResult::Absent});
  EXPECT_EQ(lineage.bases_of(model(2))[0], model(1));
}

TEST(Lineage, a_name_without_a_model_is_ignored) {
  std::vector claims{claim(2, 1)};
  claims[0].base = {};
  const auto [lineage, results] = resolve_lineage(claims);
  EXPECT_EQ(results, Results{ClaimResult::NoModel});
  EXPECT_TRUE(lineage.empty());
}

TEST(Lineage, a_model_is_not_its_own_base) {
  const std::vector claims{claim(1, 1), claim(1, 2, BaseSource::Config)};
  const auto [lineage, results] = resolve_lineage(claims);
  EXPECT_EQ(results, (Results{ClaimResult::Self, ClaimResult::Hint}));
  EXPECT_EQ(lineage.bases_of(model(1)), (Bases{model(2), {}}));
}

TEST(Lineage, claims_of_a_cycle_are_hints_and_put_its_models_into_the_last_tier) {
  for (int length = 2; length <= 5; ++length) {
    std::vector<LineageClaim> claims;
    for (int m = 0; m < length; ++m) claims.push_back(claim(m, (m + 1) % length));
    claims.push_back(claim(200, 1));  // depends on the cycle
    const auto [lineage, results] = resolve_lineage(claims);
    EXPECT_EQ(results, Results(claims.size(), ClaimResult::Hint));
    for (int m = 0; m < length; ++m) {
      EXPECT_EQ(lineage.bases_of(model(m)), (Bases{model((m + 1) % length), {}}));
      EXPECT_EQ(lineage.tier_of(model(m)), kTiers - 1);
    }
    EXPECT_EQ(lineage.tier_of(model(200)), kTiers - 1);
  }
}

TEST(Lineage, bases_of_the_list_overrule_those_of_the_files) {
  const std::vector claims{claim(1, 2), claim(1, 3, BaseSource::List), claim(4, 5), claim(5, 4),
                           claim(5, 6, BaseSource::List)};
  const auto [lineage, results] = resolve_lineage(claims);
  EXPECT_EQ(results, (Results{ClaimResult::Overruled, ClaimResult::Hint, ClaimResult::Hint, ClaimResult::Overruled,
                              ClaimResult::Hint}));
  EXPECT_EQ(lineage.bases_of(model(1)), (Bases{model(3), {}}));
  EXPECT_EQ(lineage.tier_of(model(4)), 2) << "and breaks cycles";
}

TEST(Lineage, a_wrong_base_in_the_list_overrules_too) {
  const std::vector claims{claim(1, 2), claim(1, 1, BaseSource::List)};
  const auto [lineage, results] = resolve_lineage(claims);
  EXPECT_EQ(results, (Results{ClaimResult::Overruled, ClaimResult::Self}));
  EXPECT_TRUE(lineage.empty());
}

TEST(Lineage, cards_come_before_configs_and_known_bases_before_absent_ones) {
  std::vector claims{claim(1, 5, BaseSource::Config), claim(1, 4, BaseSource::Adapter),
                     claim(1, 3, BaseSource::Card, false, false), claim(1, 2, BaseSource::Card)};
  EXPECT_EQ(resolve_lineage(claims).lineage.bases_of(model(1)), (Bases{model(2), model(4)}));
  claims.push_back(claim(1, 2, BaseSource::Config));
  EXPECT_EQ(resolve_lineage(claims).lineage.bases_of(model(1)), (Bases{model(2), model(4)})) << "said twice";
}

TEST(Lineage, the_order_of_claims_does_not_matter) {
  std::mt19937 random(5);
  std::vector<LineageClaim> claims;
  for (int i = 0; i < 300; ++i) {
    const auto source = static_cast<BaseSource>(1 + random() % 3);
    claims.push_back(claim(static_cast<int>(random() % 200), static_cast<int>(random() % 200), source));
    claims.back().position = static_cast<std::uint32_t>(random() % 3);
  }
  const auto first = resolve_lineage(claims);
  for (int round = 0; round < 5; ++round) {
    std::shuffle(claims.begin(), claims.end(), random);
    const auto again = resolve_lineage(claims);
    for (int m = 0; m < 200; ++m) {
      EXPECT_EQ(again.lineage.bases_of(model(m)), first.lineage.bases_of(model(m))) << m;
      EXPECT_EQ(again.lineage.tier_of(model(m)), first.lineage.tier_of(model(m))) << m;
    }
  }
}

TEST(Lineage, tiers_of_long_chains_are_counted_up_to_the_last) {
  constexpr int kModels = 200'000;
  std::vector<LineageClaim> claims;
  for (int m = 1; m < kModels; ++m) claims.push_back(claim(m, m - 1));
  const auto lineage = resolve_lineage(claims).lineage;
  for (const int m : {0, 1, 2, 3, 4, 1000, kModels - 1})
    EXPECT_EQ(lineage.tier_of(model(m)), std::min(m, kTiers - 1)) << m;
}

}  // namespace
}  // namespace elves::lineage
