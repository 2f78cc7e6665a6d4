#include "lineage/lineage.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "lineage/cycles.hpp"

namespace elves::lineage {
namespace {

using lineage::BaseSource;

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

using Fates = std::vector<ClaimFate>;
using Bases = std::array<Hash128, 2>;

TEST(Lineage, of_no_claims_is_empty) {
  const auto resolved = resolve_lineage({});
  EXPECT_TRUE(resolved.lineage.empty());
  EXPECT_EQ(resolved.lineage.bases_of(model(1)), Bases{});
  EXPECT_EQ(resolved.lineage.tier_of(model(1)), 0);
}

TEST(Lineage, puts_a_model_one_tier_above_its_base) {
  const std::vector claims{claim(3, 2), claim(2, 1), claim(4, 3), claim(5, 4), claim(6, 5)};
  const auto [lineage, fates] = resolve_lineage(claims);
  EXPECT_EQ(fates, Fates(5, ClaimFate::Base));
  EXPECT_EQ(lineage.bases_of(model(3)), (Bases{model(2), {}}));
  const std::vector<int> tiers{0, 1, 2, 3, 3, 3};
  for (int m = 1; m <= 6; ++m) EXPECT_EQ(lineage.tier_of(model(m)), tiers[static_cast<std::size_t>(m) - 1]) << m;
}

TEST(Lineage, of_two_bases_puts_the_model_above_both) {
  const std::vector claims{claim(4, 1), claim(4, 3), claim(3, 2)};
  const auto lineage = resolve_lineage(claims).lineage;
  EXPECT_EQ(lineage.tier_of(model(4)), 2);
  auto bases = lineage.bases_of(model(4));
  std::sort(bases.begin(), bases.end());
  EXPECT_EQ(bases, (Bases{std::min(model(1), model(3)), std::max(model(1), model(3))}));
}

TEST(Lineage, a_base_of_an_earlier_sweep_is_a_base_and_moves_nothing) {
  const std::vector claims{claim(2, 1, BaseSource::Card, false)};
  const auto [lineage, fates] = resolve_lineage(claims);
  EXPECT_EQ(fates, Fates{ClaimFate::Base});
  EXPECT_EQ(lineage.bases_of(model(2))[0], model(1));
  EXPECT_EQ(lineage.tier_of(model(2)), 0);
}

TEST(Lineage, an_absent_base_stays_as_a_hint) {
  const std::vector claims{claim(2, 1, BaseSource::Card, false, false)};
  const auto [lineage, fates] = resolve_lineage(claims);
  EXPECT_EQ(fates, Fates{ClaimFate::Absent});
  EXPECT_EQ(lineage.bases_of(model(2))[0], model(1));
}

TEST(Lineage, a_name_that_means_no_model_is_ignored) {
  std::vector claims{claim(2, 1)};
  claims[0].base = {};
  const auto [lineage, fates] = resolve_lineage(claims);
  EXPECT_EQ(fates, Fates{ClaimFate::NoModel});
  EXPECT_TRUE(lineage.empty());
}

TEST(Lineage, a_model_is_not_its_own_base) {
  const std::vector claims{claim(1, 1), claim(1, 2, BaseSource::Config)};
  const auto [lineage, fates] = resolve_lineage(claims);
  EXPECT_EQ(fates, (Fates{ClaimFate::Self, ClaimFate::Base}));
  EXPECT_EQ(lineage.bases_of(model(1)), (Bases{model(2), {}}));
}

TEST(Lineage, claims_of_a_cycle_are_ignored_and_others_of_its_models_hold) {
  for (int length = 2; length <= 5; ++length) {
    std::vector<LineageClaim> claims;
    for (int m = 0; m < length; ++m) claims.push_back(claim(m, (m + 1) % length));
    claims.push_back(claim(0, 100));  // out of the cycle
    claims.push_back(claim(200, 1));  // into the cycle
    const auto [lineage, fates] = resolve_lineage(claims);
    for (int m = 0; m < length; ++m) EXPECT_EQ(fates[static_cast<std::size_t>(m)], ClaimFate::Cycle);
    EXPECT_EQ(lineage.bases_of(model(0)), (Bases{model(100), {}}));
    EXPECT_EQ(lineage.bases_of(model(1)), Bases{});
    EXPECT_EQ(lineage.bases_of(model(200)), (Bases{model(1), {}}));
    EXPECT_EQ(lineage.tier_of(model(0)), 1);
    EXPECT_EQ(lineage.tier_of(model(200)), 1);
  }
}

TEST(Lineage, a_claim_between_two_cycles_is_of_none) {
  const std::vector claims{claim(1, 2), claim(2, 1), claim(2, 3), claim(3, 4), claim(4, 3)};
  EXPECT_EQ(resolve_lineage(claims).fates,
            (Fates{ClaimFate::Cycle, ClaimFate::Cycle, ClaimFate::Base, ClaimFate::Cycle, ClaimFate::Cycle}));
}

TEST(Lineage, the_list_overrules_what_models_say) {
  const std::vector claims{claim(1, 2), claim(1, 3, BaseSource::List), claim(4, 5), claim(5, 4),
                           claim(5, 6, BaseSource::List)};
  const auto [lineage, fates] = resolve_lineage(claims);
  EXPECT_EQ(fates,
            (Fates{ClaimFate::Overruled, ClaimFate::Base, ClaimFate::Base, ClaimFate::Overruled, ClaimFate::Base}));
  EXPECT_EQ(lineage.bases_of(model(1)), (Bases{model(3), {}}));
  EXPECT_EQ(lineage.tier_of(model(4)), 2) << "and breaks cycles";
}

TEST(Lineage, a_list_that_is_wrong_overrules_too) {
  const std::vector claims{claim(1, 2), claim(1, 1, BaseSource::List)};
  const auto [lineage, fates] = resolve_lineage(claims);
  EXPECT_EQ(fates, (Fates{ClaimFate::Overruled, ClaimFate::Self}));
  EXPECT_TRUE(lineage.empty());
}

TEST(Lineage, hears_the_card_before_the_config_and_known_bases_before_absent_ones) {
  std::vector claims{claim(1, 5, BaseSource::Config), claim(1, 4, BaseSource::Adapter),
                     claim(1, 3, BaseSource::Card, false, false), claim(1, 2, BaseSource::Card)};
  EXPECT_EQ(resolve_lineage(claims).lineage.bases_of(model(1)), (Bases{model(2), model(4)}));
  claims.push_back(claim(1, 2, BaseSource::Config));
  EXPECT_EQ(resolve_lineage(claims).lineage.bases_of(model(1)), (Bases{model(2), model(4)})) << "said twice";
}

TEST(Lineage, does_not_depend_on_the_order_of_claims) {
  std::mt19937 random(5);
  std::vector<LineageClaim> claims;
  for (int i = 0; i < 300; ++i) {
    const auto source = static_cast<BaseSource>(1 + random() % 3);
    claims.push_back(claim(static_cast<int>(random() % 200), static_cast<int>(random() % 200), source));
    claims.back().place = static_cast<std::uint32_t>(random() % 3);
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

TEST(Lineage, of_a_long_chain_and_a_long_cycle_is_found) {
  constexpr int kModels = 200'000;
  std::vector<LineageClaim> claims;
  for (int m = 1; m < kModels; ++m) claims.push_back(claim(m, m - 1));
  EXPECT_EQ(resolve_lineage(claims).lineage.tier_of(model(kModels - 1)), kTiers - 1);
  claims.push_back(claim(0, kModels - 1));
  const auto [lineage, fates] = resolve_lineage(claims);
  EXPECT_TRUE(lineage.empty());
  EXPECT_EQ(std::count(fates.begin(), fates.end(), ClaimFate::Cycle), kModels);
}

TEST(Cycles, groups_are_those_of_reaching_each_other) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    const std::size_t n = 1 + random() % 12;
    std::vector<std::vector<std::size_t>> points_to(n);
    for (auto edges = random() % (2 * n + 1); edges > 0; --edges) points_to[random() % n].push_back(random() % n);
    std::vector<std::set<std::size_t>> reach(n);
    for (std::size_t from = 0; from < n; ++from) {
      std::vector<std::size_t> open{from};
      while (!open.empty()) {
        const auto node = open.back();
        open.pop_back();
        if (reach[from].insert(node).second) open.insert(open.end(), points_to[node].begin(), points_to[node].end());
      }
    }
    const auto [group, order] = find_cycles(points_to);
    ASSERT_EQ(std::set(order.begin(), order.end()).size(), n);
    std::vector<std::size_t> at(n);
    for (std::size_t i = 0; i < n; ++i) at[order[i]] = i;
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = 0; b < n; ++b) EXPECT_EQ(group[a] == group[b], reach[a].contains(b) && reach[b].contains(a));
      for (const auto b : points_to[a]) EXPECT_TRUE(group[a] == group[b] || at[b] < at[a]);
    }
  }
}

}  // namespace
}  // namespace elves::lineage
