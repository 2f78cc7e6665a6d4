#include "families/planner.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "unit/families/family_data.hpp"

namespace elves::families {
namespace {

constexpr std::uint64_t kBytes = 512u << 10;
constexpr std::uint64_t kSmall = 4096;

std::vector<BaseChoice> plan_first_wave(const Wave& wave) {
  return FamilyPlanner().plan(wave.layers, wave.sketches);
}

auto fine_tune(std::uint64_t family, double noise, std::uint64_t seed) {
  return [base = Normal(family, 0.02), change = Normal(seed + 1'000'000, 0.02 * noise)](std::uint64_t at) {
    return base(at) + change(at);
  };
}

/// A generated hub: the first members of all families, then the second members, and so on. Each round ends with an
/// unrelated layer.
struct Families {
  static constexpr std::size_t kFamilies = 10;
  static constexpr std::size_t kMembers = 12;
  Wave wave;
  std::vector<std::size_t> base_of;  ///< its own number: none

  Families(DType dtype, bool may_lose, double noise, std::size_t place_of_base) {
    for (std::size_t member = 0; member < kMembers; ++member) {
      for (std::size_t family = 0; family < kFamilies; ++family) {
        const bool is_base = member == place_of_base;
        add(dtype, may_lose, sketch_of(dtype, kBytes, fine_tune(family, is_base ? 0 : noise, wave.layers.size())));
        base_of.push_back(place_of_base * (kFamilies + 1) + family);
      }
      add(dtype, may_lose, sketch_of(dtype, kBytes, Normal(1000 + member, 0.02)));
      base_of.push_back(wave.layers.size() - 1);
    }
  }

 private:
  void add(DType dtype, bool may_lose, const std::vector<std::byte>& sketch) {
    auto& layer = wave.add(dtype, kBytes, sketch, "model" + std::to_string(wave.layers.size()));
    layer.loss = LossId{may_lose ? 1u : 0u};
  }
};

struct FamilyCase {
  DType dtype;
  bool may_lose;
  double noise;
};
class GeneratedFamilies : public testing::TestWithParam<FamilyCase> {};
INSTANTIATE_TEST_SUITE_P(noises, GeneratedFamilies,
                         testing::Values(FamilyCase{DType::BF16, false, 5e-4}, FamilyCase{DType::BF16, false, 0.01},
                                         FamilyCase{DType::BF16, false, 0.1}, FamilyCase{DType::BF16, false, 0.25},
                                         FamilyCase{DType::F32, false, 5e-5}, FamilyCase{DType::F32, false, 0.01},
                                         FamilyCase{DType::F32, false, 0.1}, FamilyCase{DType::F32, true, 5e-5},
                                         FamilyCase{DType::F32, true, 0.01}, FamilyCase{DType::F32, true, 0.25},
                                         FamilyCase{DType::F32, true, 0.5}, FamilyCase{DType::F64, false, 0.01}));

TEST_P(GeneratedFamilies, have_their_true_base_wherever_it_is_in_the_order) {
  const auto [dtype, may_lose, noise] = GetParam();
  for (const std::size_t place : {std::size_t{0}, Families::kMembers / 2, Families::kMembers - 1}) {
    const Families families(dtype, may_lose, noise, place);
    const auto choices = plan_first_wave(families.wave);
    std::size_t n_fine_tunes = 0;
    std::size_t n_right = 0;
    for (std::size_t i = 0; i < choices.size(); ++i) {
      if (families.base_of[i] == i) {
        EXPECT_FALSE(choices[i].found) << "unrelated layer or base " << i;
        continue;
      }
      ++n_fine_tunes;
      if (choices[i].found && choices[i].base.place.row == families.base_of[i]) ++n_right;
    }
    EXPECT_GE(n_right, n_fine_tunes * 95 / 100) << "base at " << place;
  }
}

TEST(FamilyPlanner, finds_no_base_among_unrelated_layers) {
  Wave wave;
  for (std::uint64_t i = 0; i < 300; ++i)
    wave.add(DType::BF16, kBytes, sketch_of(DType::BF16, kBytes, Normal(i, 0.02)), std::to_string(i));
  for (const auto& choice : plan_first_wave(wave)) {
    EXPECT_FALSE(choice.found);
    EXPECT_NEAR(choice.standalone_bits, 10.54f, 0.4f);
  }
}

TEST(FamilyPlanner, never_chooses_a_base_that_has_a_base) {
  Wave wave;  // each layer is a fine-tune of the one before it
  const Normal base(1, 0.02);
  for (std::uint64_t i = 0; i < 200; ++i) {
    const auto value = [&](std::uint64_t at) {
      double sum = base(at);
      for (std::uint64_t step = 1; step <= i; ++step) sum += Normal(1000 + step, 0.002)(at);
      return sum;
    };
    wave.add(DType::F32, kBytes, sketch_of(DType::F32, kBytes, value), std::to_string(i));
  }
  const auto choices = plan_first_wave(wave);
  std::size_t n_found = 0;
  for (const auto& choice : choices) {
    if (!choice.found) continue;
    ++n_found;
    EXPECT_FALSE(choices[choice.base.place.row].found);
    EXPECT_LT(choice.delta_bits, choice.standalone_bits);
  }
  EXPECT_GT(n_found, 150u);
}

TEST(FamilyPlanner, finds_a_base_of_an_earlier_wave) {
  FamilyPlanner planner;
  Wave first;
  first.add(DType::F32, kBytes, sketch_of(DType::F32, kBytes, Normal(1, 0.02)), "base");
  EXPECT_FALSE(planner.plan(first.layers, first.sketches)[0].found);
  EXPECT_EQ(planner.n_known(), 1u);
  Wave second;
  second.add(DType::F32, kBytes, sketch_of(DType::F32, kBytes, fine_tune(1, 0.01, 1)), "tune").place.row = 100;
  const auto choices = planner.plan(second.layers, second.sketches);
  ASSERT_TRUE(choices[0].found);
  EXPECT_EQ(choices[0].base.model, hash_of("base"));
  EXPECT_FALSE(choices[0].by_lineage);
  EXPECT_EQ(planner.n_known(), 1u) << "a layer with a base is forgotten";
}

TEST(FamilyPlanner, finds_a_base_of_an_earlier_sweep_among_many) {
  FamilyPlanner planner;
  Wave archive;
  for (std::uint64_t i = 0; i < 500; ++i) {
    const auto sketch = sketch_of(DType::BF16, kBytes, Normal(i, 0.02));
    planner.add_known(archive.add(DType::BF16, kBytes, sketch, std::to_string(i)), sketch);
  }
  Wave wave;
  for (std::uint64_t i = 0; i < 500; i += 10)
    wave.add(DType::BF16, kBytes, sketch_of(DType::BF16, kBytes, fine_tune(i, 0.1, i)), "tune").place.shard = 8;
  const auto choices = planner.plan(wave.layers, wave.sketches);
  for (std::size_t i = 0; i < choices.size(); ++i) {
    ASSERT_TRUE(choices[i].found);
    EXPECT_EQ(choices[i].base.place.row, 10 * i);
  }
}

TEST(FamilyPlanner, chooses_a_new_layer_as_base_if_many_are_nearer_to_it_than_to_a_known_one) {
  FamilyPlanner planner;
  Wave archive;
  const auto far = sketch_of(DType::F32, kBytes, Normal(1, 0.02));
  planner.add_known(archive.add(DType::F32, kBytes, far, "far"), far);
  const auto near = fine_tune(1, 0.2, 1);
  Wave wave;
  const auto add = [&](const auto& value) {
    wave.add(DType::F32, kBytes, sketch_of(DType::F32, kBytes, value), std::to_string(wave.layers.size())).place.shard =
        8;
  };
  add(near);
  for (std::uint64_t i = 0; i < 20; ++i)
    add([&, change = Normal(50 + i, 1e-5)](std::uint64_t at) { return near(at) + change(at); });
  const auto choices = planner.plan(wave.layers, wave.sketches);
  EXPECT_FALSE(choices[0].found);
  for (std::size_t i = 1; i < choices.size(); ++i) {
    ASSERT_TRUE(choices[i].found);
    EXPECT_EQ(choices[i].base.place.row, 0u);
    EXPECT_EQ(choices[i].base.place.shard, 8u);
  }
}

TEST(FamilyPlanner, finds_the_base_of_a_layer_that_grew_by_rows) {
  for (const std::uint64_t grown : {kBytes + 4096, kBytes / 100 * 101 / 4 * 4, kBytes / 4 * 5}) {
    for (const bool base_is_longer : {false, true}) {
      Wave wave;
      for (std::uint64_t i = 0; i < 200; ++i) {
        const bool longer = base_is_longer;
        const auto bytes = longer ? grown : kBytes;
        wave.add(DType::F32, bytes, sketch_of(DType::F32, bytes, Normal(i, 0.02)), std::to_string(i));
      }
      const auto bytes = base_is_longer ? kBytes : grown;
      wave.add(DType::F32, bytes, sketch_of(DType::F32, bytes, fine_tune(17, 0.01, 1)), "tune");
      const auto choices = plan_first_wave(wave);
      const bool right = (choices[200].found && choices[200].base.place.row == 17) ||
                         (choices[17].found && choices[17].base.place.row == 200);
      EXPECT_TRUE(right) << grown << ' ' << base_is_longer;
    }
  }
}

TEST(FamilyPlanner, chooses_no_base_of_another_group) {
  Wave wave;
  const auto sketch = sketch_of(DType::F32, kBytes, Normal(1, 0.02));
  wave.add(DType::F32, kBytes, sketch, "a", "768 x 256");
  wave.add(DType::F32, kBytes, sketch, "b", "256 x 768");
  for (const auto& choice : plan_first_wave(wave)) EXPECT_FALSE(choice.found);
}

TEST(FamilyPlanner, chooses_no_base_for_constants_and_nan) {
  Wave wave;
  const auto zero = [](std::uint64_t) { return 0.0; };
  const auto nan = [](std::uint64_t) { return std::numeric_limits<double>::quiet_NaN(); };
  for (int i = 0; i < 100; ++i) {
    wave.add(DType::F32, kBytes, sketch_of(DType::F32, kBytes, zero), "zero" + std::to_string(i));
    wave.add(DType::F32, kBytes, sketch_of(DType::F32, kBytes, nan), "nan" + std::to_string(i));
  }
  for (const auto& choice : plan_first_wave(wave)) EXPECT_FALSE(choice.found);
}

TEST(FamilyPlanner, chooses_no_base_of_another_loss) {
  FamilyPlanner planner;
  Wave archive;
  const auto base = sketch_of(DType::F32, kBytes, Normal(1, 0.02));
  auto& known = archive.add(DType::F32, kBytes, base, "base");
  known.loss = LossId{5};
  planner.add_known(known, base);
  Wave wave;
  const auto tune = sketch_of(DType::F32, kBytes, fine_tune(1, 0.01, 1));
  const auto add = [&](const char* model, LossId loss) {
    auto& layer = wave.add(DType::F32, kBytes, tune, model, "group");
    layer.place.shard = 8;
    layer.loss = loss;
  };
  add("exact", kExact);
  EXPECT_FALSE(planner.plan(wave.layers, wave.sketches)[0].found);
  wave = {};
  add("other loss", LossId{6});
  const auto other = planner.plan(wave.layers, wave.sketches);
  EXPECT_NE(other[0].base.model, hash_of("base"));
  wave = {};
  add("same loss", LossId{5});
  const auto same = planner.plan(wave.layers, wave.sketches);
  ASSERT_TRUE(same[0].found);
}

TEST(Lineage, finds_the_base_of_layers_without_sketch) {
  for (const bool base_first : {true, false}) {
    Wave wave;
    const auto add_base = [&] { wave.add(DType::I32, kSmall, {}, "base"); };
    if (base_first) add_base();
    const std::size_t at = wave.layers.size();
    wave.add(DType::I32, kSmall, {}, "tune").hints[1] = hash_of("base");
    if (!base_first) add_base();
    const auto choices = plan_first_wave(wave);
    ASSERT_TRUE(choices[at].found);
    EXPECT_TRUE(choices[at].by_lineage);
    EXPECT_EQ(choices[at].base.model, hash_of("base"));
    EXPECT_EQ(choices[at].standalone_bits, 0);
    EXPECT_FALSE(choices[1 - at].found);
  }
}

TEST(Lineage, finds_the_latest_known_layer_of_a_name) {
  FamilyPlanner planner;
  Wave archive;
  planner.add_known(archive.add(DType::F32, kSmall, {}, "base"), {});
  planner.add_known(archive.add(DType::F32, kSmall, {}, "base"), {});
  Wave wave;
  auto& layer = wave.add(DType::F32, kSmall, {}, "tune");
  layer.hints[0] = hash_of("base");
  layer.place.shard = 8;
  const auto choices = planner.plan(wave.layers, wave.sketches);
  ASSERT_TRUE(choices[0].found);
  EXPECT_EQ(choices[0].base.place.row, 1u);
}

TEST(Lineage, hints_to_the_own_model_or_an_unknown_one_are_ignored) {
  Wave wave;
  auto& layer = wave.add(DType::F32, kSmall, {}, "a");
  layer.hints[0] = hash_of("a");
  layer.hints[1] = hash_of("nobody");
  EXPECT_FALSE(plan_first_wave(wave)[0].found);
}

TEST(Lineage, hints_in_a_circle_give_one_base) {
  Wave wave;
  wave.add(DType::F32, kSmall, {}, "a").hints[0] = hash_of("b");
  wave.add(DType::F32, kSmall, {}, "b").hints[0] = hash_of("a");
  const auto choices = plan_first_wave(wave);
  EXPECT_FALSE(choices[0].found);
  EXPECT_TRUE(choices[1].found);
}

TEST(Lineage, hints_in_a_chain_give_the_base_at_its_end) {
  Wave wave;
  wave.add(DType::F32, kSmall, {}, "a");
  wave.add(DType::F32, kSmall, {}, "b").hints[0] = hash_of("a");
  wave.add(DType::F32, kSmall, {}, "b2").hints[0] = hash_of("a");
  wave.add(DType::F32, kSmall, {}, "c").hints[0] = hash_of("b");
  const auto choices = plan_first_wave(wave);
  for (std::size_t i = 1; i < 4; ++i) {
    ASSERT_TRUE(choices[i].found) << i;
    EXPECT_EQ(choices[i].base.model, hash_of("a"));
    EXPECT_TRUE(choices[i].by_lineage);
  }
}

TEST(Lineage, content_overrides_a_hint) {
  Wave wave;
  wave.add(DType::F32, kBytes, sketch_of(DType::F32, kBytes, Normal(2, 0.02)), "named");
  wave.add(DType::F32, kBytes, sketch_of(DType::F32, kBytes, Normal(1, 0.02)), "true");
  for (std::uint64_t i = 0; i < 3; ++i)
    wave.add(DType::F32, kBytes, sketch_of(DType::F32, kBytes, fine_tune(1, 0.01, i)), "tune" + std::to_string(i))
        .hints[0] = hash_of("named");
  const auto choices = plan_first_wave(wave);
  for (std::size_t i = 2; i < 5; ++i) {
    ASSERT_TRUE(choices[i].found);
    EXPECT_EQ(choices[i].base.model, hash_of("true"));
    EXPECT_FALSE(choices[i].by_lineage);
  }
}

TEST(Lineage, a_hint_decides_which_of_two_similar_layers_is_the_base) {
  for (const std::size_t named : {0, 1}) {
    Wave wave;
    for (std::size_t i = 0; i < 2; ++i) {
      auto& layer =
          wave.add(DType::F32, kBytes, sketch_of(DType::F32, kBytes, fine_tune(1, 0.01, i)), std::to_string(i));
      if (i != named) layer.hints[0] = hash_of(std::to_string(named));
    }
    const auto choices = plan_first_wave(wave);
    EXPECT_FALSE(choices[named].found);
    ASSERT_TRUE(choices[1 - named].found);
    EXPECT_TRUE(choices[1 - named].by_lineage);
  }
}

TEST(Lineage, a_hint_decides_between_similar_known_layers) {
  for (const std::size_t named : {0, 1}) {
    FamilyPlanner planner;
    Wave archive;
    for (std::uint64_t i = 0; i < 2; ++i) {
      const auto sketch = sketch_of(DType::F32, kBytes, fine_tune(1, 1e-4, i));
      planner.add_known(archive.add(DType::F32, kBytes, sketch, std::to_string(i)), sketch);
    }
    Wave wave;
    auto& layer = wave.add(DType::F32, kBytes, sketch_of(DType::F32, kBytes, fine_tune(1, 0.01, 5)), "tune");
    layer.hints[0] = hash_of(std::to_string(named));
    layer.place.shard = 8;
    const auto choices = planner.plan(wave.layers, wave.sketches);
    ASSERT_TRUE(choices[0].found);
    EXPECT_EQ(choices[0].base.place.row, named);
    EXPECT_TRUE(choices[0].by_lineage);
  }
}

TEST(FamilyPlanner, choices_of_a_group_do_not_depend_on_other_groups) {
  Families families(DType::BF16, false, 0.05, 3);
  Wave two = families.wave;
  Wave groups[2];
  for (std::size_t i = 0; i < two.layers.size(); ++i) {
    two.layers[i].group = hash128(i % 2 == 0 ? "even" : "odd");
    const std::size_t n = sketch_bytes(DType::BF16, kBytes);
    groups[i % 2].layers.push_back(two.layers[i]);
    const auto sketch = std::span(two.sketches).subspan(i * n, n);
    groups[i % 2].sketches.insert(groups[i % 2].sketches.end(), sketch.begin(), sketch.end());
  }
  const auto together = plan_first_wave(two);
  for (std::size_t g = 0; g < 2; ++g) {
    const auto apart = plan_first_wave(groups[g]);
    for (std::size_t i = 0; i < apart.size(); ++i) {
      EXPECT_EQ(apart[i].found, together[2 * i + g].found);
      EXPECT_EQ(apart[i].base.place.row, together[2 * i + g].base.place.row);
      EXPECT_EQ(apart[i].delta_bits, together[2 * i + g].delta_bits);
    }
  }
}

TEST(FamilyPlanner, an_empty_wave_has_no_choices) {
  EXPECT_TRUE(FamilyPlanner().plan({}, {}).empty());
}

}  // namespace
}  // namespace elves::families
