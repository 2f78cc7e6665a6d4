#include "restore/list/family_tree.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace elves::restore {
namespace {

/// A model with deltas on other models, of the first most.
ListedModel model_on(const std::string& id, const std::vector<std::string>& bases) {
  ListedModel model;
  model.id = id;
  model.size_bytes = model.layer_bytes = id == "a" ? 150 : 200;
  for (std::size_t i = 0; i < bases.size(); ++i)
    model.relatives.push_back({.model = bases[i], .n_layers = 1, .size_bytes = 100 - i});
  return model;
}

std::string drawn(const std::vector<ListedModel>& models) {
  std::string text;
  for (const auto& member : family_tree(models)) {
    text += std::string(member.depth, ' ') + member.model->id + (member.is_last ? "" : " and");
    text += (member.n_others > 0 ? " +" + std::to_string(member.n_others) : "") + "\n";
  }
  return text;
}

TEST(FamilyTree, has_every_model_once_also_in_rings) {
  const std::vector<ListedModel> models{model_on("a", {"b"}),      model_on("b", {"a"}), model_on("c", {}),
                                        model_on("d", {"c", "b"}), model_on("e", {"d"}), model_on("f", {"gone"}),
                                        model_on("g", {"c"}),      model_on("h", {"h"})};
  EXPECT_EQ(drawn(models), "b +1\n a\nc\n d and +1\n  e\n g\n");
}

TEST(FamilyTree, a_duplicate_of_a_model_lies_below_it_and_has_no_base) {
  auto copy = model_on("b", {});
  copy.relatives.push_back({.model = "a", .duplicate_bytes = 150});
  const std::vector<ListedModel> models{model_on("a", {}), copy};
  EXPECT_EQ(drawn(models), "a\n b\n");
  EXPECT_EQ(models[1].base(), nullptr);
  ASSERT_NE(models[1].original(), nullptr);
  EXPECT_EQ(models[1].original()->model, "a");
}

}  // namespace
}  // namespace elves::restore
