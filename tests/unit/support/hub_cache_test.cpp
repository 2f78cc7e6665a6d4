#include "support/hub_cache.hpp"

#include <gtest/gtest.h>

namespace elves {
namespace {

TEST(HubCache, a_folder_of_a_model_gives_its_id) {
  EXPECT_EQ(id_of_cache_folder("models--meta--llama"), "meta/llama");
  EXPECT_EQ(id_of_cache_folder("models--org--a--b"), "org/a--b");
  EXPECT_EQ(id_of_cache_folder("models--gpt2"), "gpt2");
}

TEST(HubCache, datasets_and_spaces_have_a_prefix) {
  EXPECT_EQ(id_of_cache_folder("datasets--org--text"), "datasets/org/text");
  EXPECT_EQ(id_of_cache_folder("datasets--text"), "datasets/text");
  EXPECT_EQ(id_of_cache_folder("spaces--org--demo"), "spaces/org/demo");
}

TEST(HubCache, other_folders_give_nothing) {
  for (const auto* folder : {"", "models", "models--", "models----", "models--org--", "models----name", "org--name"})
    EXPECT_EQ(id_of_cache_folder(folder), std::nullopt) << folder;
}

}  // namespace
}  // namespace elves
