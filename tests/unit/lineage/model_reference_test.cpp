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
    const auto name = read_base_name(written);
    EXPECT_EQ(name.id, id) << written;
    EXPECT_EQ(name.last, last) << written;
    EXPECT_EQ(name.is_path, is_path) << written;
  }
}

TEST(BaseName, is_a_model_of_an_organisation) {
  expect({{"org/name", "org/name", "", false}, {"org/name/", "org/name", "", false}, {"\xFF/b", "\xFF/b", "", false}});
}

TEST(BaseName, of_one_word_may_lie_in_any_organisation) {
  expect({{"gpt2", "gpt2", "gpt2", false}});
}

TEST(BaseName, may_be_the_address_of_a_hub) {
  expect({{"https://huggingface.co/org/name", "org/name", "", false},
          {"https://huggingface.co/org/name/tree/main", "org/name", "", false},
          {"hf.co/gpt2", "gpt2", "", false}});
}

TEST(BaseName, may_be_a_folder_of_a_cache) {
  expect({{"/root/.cache/huggingface/hub/models--org--name/snapshots/0123", "org/name", "", false},
          {"models--gpt2", "gpt2", "", false}});
}

TEST(BaseName, of_a_path_is_its_last_two_parts_or_the_last) {
  expect({{"/home/me/org/name", "org/name", "name", true},
          {"./org/name/", "org/name", "name", true},
          {"../name", "", "name", true},
          {"./name", "", "name", true},
          {"~/name", "", "name", true},
          {"/name", "", "name", true},
          {"runs/org/name", "org/name", "name", true},
          {"C:\\models\\name", "models/name", "name", true}});
}

TEST(BaseName, may_mean_nothing) {
  expect({{"", "", "", false},
          {"/", "", "", false},
          {"./..", "", "", false},
          {"https://huggingface.co/", "", "", false},
          {"models----", "models----", "", false}});
}

TEST(BaseName, the_last_component_is_what_follows_the_last_slash) {
  EXPECT_EQ(last_component("org/name"), "name");
  EXPECT_EQ(last_component("name"), "name");
  EXPECT_EQ(last_component("datasets/org/name"), "name");
}

}  // namespace
}  // namespace elves::lineage
