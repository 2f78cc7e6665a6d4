#include "corpus/model_id.hpp"

#include <gtest/gtest.h>

#include "corpus/shared_blobs.hpp"

namespace elves::corpus {
namespace {

TEST(HubLayout, a_plain_hub_has_organisations_and_names) {
  EXPECT_EQ(model_id("meta/llama/model.safetensors"), "meta/llama");
  EXPECT_EQ(model_id("meta/llama/onnx/model.onnx"), "meta/llama");
}

TEST(HubLayout, a_file_in_a_single_folder_belongs_to_the_folder) {
  EXPECT_EQ(model_id("gpt2/config.json"), "gpt2");
}

TEST(HubLayout, files_at_the_root_belong_to_no_model) {
  EXPECT_EQ(model_id("README.md"), "");
  EXPECT_EQ(model_id(""), "");
}

TEST(HubLayout, a_cache_folder_is_the_model_it_stands_for) {
  EXPECT_EQ(model_id("models--meta--llama/blobs/0123abcd"), "meta/llama");
  EXPECT_EQ(model_id("models--meta--llama/snapshots/main/sub/model.safetensors"), "meta/llama");
  EXPECT_EQ(model_id("models--gpt2/refs/main"), "gpt2");
}

TEST(HubLayout, a_cache_may_lie_below_hub) {
  EXPECT_EQ(model_id("hub/models--meta--llama/refs/main"), "meta/llama");
  EXPECT_EQ(model_id("hub/models--gpt2/refs/main"), "gpt2");
  EXPECT_EQ(model_id("hub/version.txt"), "hub");
  EXPECT_EQ(model_id("other/models--meta--llama/refs/main"), "other/models--meta--llama");
}

TEST(HubLayout, datasets_and_spaces_keep_their_kind) {
  EXPECT_EQ(model_id("datasets--org--text/blobs/00"), "datasets/org/text");
  EXPECT_EQ(model_id("hub/spaces--org--demo/blobs/00"), "spaces/org/demo");
  EXPECT_EQ(model_id("datasets--text/blobs/00"), "datasets/text");
}

TEST(HubLayout, only_the_first_pair_of_dashes_separates) {
  EXPECT_EQ(model_id("models--org--a--b/blobs/00"), "org/a--b");
  EXPECT_EQ(model_id("models--org-x--a-b/blobs/00"), "org-x/a-b");
}

TEST(HubLayout, what_only_looks_like_a_cache_is_a_plain_folder) {
  EXPECT_EQ(model_id("models--/x"), "models--");
  EXPECT_EQ(model_id("models----b/x"), "models----b");
  EXPECT_EQ(model_id("models--a--/x"), "models--a--");
  EXPECT_EQ(model_id("models--a--b"), "");
  EXPECT_EQ(model_id("my-models--a--b/x"), "my-models--a--b");
}

TEST(HubLayout, a_shared_blob_belongs_to_the_model_that_links_to_it) {
  EXPECT_TRUE(is_shared_blob("blobs/ab/abcdef0123456789"));
  EXPECT_TRUE(is_shared_blob("hub/blobs/0f/0fcdef0123456789"));
  FileEntry blob;
  blob.path = "blobs/ab/abcdef0123456789";
  EXPECT_EQ(model_of(blob), "");
  blob.linked_model = "org/m";
  EXPECT_EQ(model_of(blob), "org/m");
}

TEST(HubLayout, an_organisation_may_be_called_blobs) {
  EXPECT_FALSE(is_shared_blob("blobs/ab/config.json"));
  EXPECT_FALSE(is_shared_blob("blobs/llama/abcdef0123456789"));
  EXPECT_FALSE(is_shared_blob("blobs/ab/abcdef0123456789/file"));
  EXPECT_FALSE(is_shared_blob("models--a--b/blobs/ab/abcdef0123456789"));
  EXPECT_EQ(model_id("blobs/ab/config.json"), "blobs/ab");
}

}  // namespace
}  // namespace elves::corpus
