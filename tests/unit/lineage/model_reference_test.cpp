#include "lineage/model_reference.hpp"

#include <gtest/gtest.h>

namespace elves::lineage {
namespace {

struct Case {
  std::string written;
  std::string id;
  std::string last;
  bool is_path;
};

void expect(const std::vector<Case>& cases) {
  for (const auto& [written, id, last, is_path] : cases) {
    const auto reference = read_model_reference(written);
    EXPECT_EQ(reference.id, id) << written;
    EXPECT_EQ(reference.last, last) << written;
    EXPECT_EQ(reference.is_path, is_path) << written;
  }
}

TEST(ModelReference, organisation_and_name_are_an_id) {
  expect({{"org/name", "org/name", "", false}, {"org/name/", "org/name", "", false}, {"\xFF/b", "\xFF/b", "", false}});
}

TEST(ModelReference, one_word_may_be_a_model_of_any_organisation) {
  expect({{"gpt2", "gpt2", "gpt2", false}});
}

TEST(ModelReference, a_url_of_the_hub_is_an_id) {
  expect({{"https://huggingface.co/org/name", "org/name", "", false},
          {"https://huggingface.co/org/name/tree/main", "org/name", "", false},
          {"hf.co/gpt2", "gpt2", "", false}});
}

TEST(ModelReference, a_folder_of_a_cache_is_an_id) {
  expect({{"/root/.cache/huggingface/hub/models--org--name/snapshots/0123", "org/name", "", false},
          {"models--gpt2", "gpt2", "", false}});
}

TEST(ModelReference, a_path_is_read_as_its_last_two_components_or_the_last) {
  expect({{"/home/me/org/name", "org/name", "name", true},
          {"./org/name/", "org/name", "name", true},
          {"../name", "", "name", true},
          {"./name", "", "name", true},
          {"~/name", "", "name", true},
          {"/name", "", "name", true},
          {"runs/org/name", "org/name", "name", true},
          {"C:\\models\\name", "models/name", "name", true}});
}

TEST(ModelReference, texts_without_components_mean_no_model) {
  expect({{"", "", "", false},
          {"/", "", "", false},
          {"./..", "", "", false},
          {"https://huggingface.co/", "", "", false},
          {"models----", "models----", "", false}});
}

TEST(ModelReference, the_last_component_follows_the_last_slash) {
  EXPECT_EQ(last_component("org/name"), "name");
  EXPECT_EQ(last_component("name"), "name");
  EXPECT_EQ(last_component("datasets/org/name"), "name");
}

}  // namespace
}  // namespace elves::lineage
