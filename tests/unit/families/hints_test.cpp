#include "families/hints.hpp"

#include <gtest/gtest.h>

namespace elves::families {
namespace {

FamilyMember member(const std::string& model, const std::string& name, const std::string& first_hint = {},
                    const std::string& second_hint = {}) {
  FamilyMember made;
  made.layer.group = hash128("group");
  made.layer.model = hash128(model);
  made.layer.name = hash128(name);
  if (!first_hint.empty()) made.layer.hints[0] = hash128(first_hint);
  if (!second_hint.empty()) made.layer.hints[1] = hash128(second_hint);
  return made;
}

TEST(Hints, a_hint_names_the_layer_of_the_same_name_in_its_model) {
  const std::vector<FamilyMember> layers{member("base", "a"), member("base", "b"), member("tuned", "b", "base")};
  const auto hinted = find_hinted_bases(layers, {});
  ASSERT_EQ(hinted.size(), 3u);
  EXPECT_EQ(hinted[2].new_layers[0], 1u);
  EXPECT_TRUE(hinted[2].names_new(1));
  EXPECT_FALSE(hinted[2].names_new(0));
  EXPECT_EQ(hinted[0].new_layers[0], Clustering::kNone);
}

TEST(Hints, of_equal_names_in_a_wave_the_first_is_meant_and_of_known_ones_the_last) {
  KnownLayers known;
  SignatureMaker signatures;
  for (int i = 0; i < 2; ++i) known.add(member("old", "a"), signatures);
  const std::vector<FamilyMember> layers{member("base", "a"), member("base", "a"), member("tuned", "a", "base", "old")};
  const auto hinted = find_hinted_bases(layers, known);
  EXPECT_EQ(hinted[2].new_layers, (std::array<std::uint32_t, 2>{0, Clustering::kNone}));
  EXPECT_EQ(hinted[2].known, (std::array<std::uint32_t, 2>{KnownLayers::kNone, 1}));
  EXPECT_TRUE(hinted[2].names_known(1));
}

TEST(Hints, a_hint_to_the_own_model_or_to_an_unknown_one_names_nothing) {
  const std::vector<FamilyMember> layers{member("self", "a", "self"), member("lost", "a", "gone")};
  for (const auto& hinted : find_hinted_bases(layers, {})) {
    EXPECT_EQ(hinted.new_layers, (std::array<std::uint32_t, 2>{Clustering::kNone, Clustering::kNone}));
    EXPECT_EQ(hinted.known, (std::array<std::uint32_t, 2>{KnownLayers::kNone, KnownLayers::kNone}));
  }
}

}  // namespace
}  // namespace elves::families
