#include "corpus/model_id.hpp"

#include <gtest/gtest.h>

#include "corpus/shared_blobs.hpp"

namespace elves::corpus {
namespace {

TEST(ModelId, the_first_two_folders_are_the_model) {
  EXPECT_EQ(model_id("meta/llama/model.safetensors"), "meta/llama");
  EXPECT_EQ(model_id("meta/llama/onnx/model.onnx"), "meta/llama");
}

TEST(ModelId, a_file_in_a_single_folder_belongs_to_the_folder) {
  EXPECT_EQ(model_id("gpt2/config.json"), "gpt2");
}

TEST(ModelId, files_at_the_root_belong_to_no_model) {
  EXPECT_EQ(model_id("README.md"), "");
  EXPECT_EQ(model_id(""), "");
}

TEST(ModelId, a_cache_folder_names_its_model) {
  EXPECT_EQ(model_id("models--meta--llama/blobs/0123abcd"), "meta/llama");
  EXPECT_EQ(model_id("models--meta--llama/snapshots/main/sub/model.safetensors"), "meta/llama");
  EXPECT_EQ(model_id("models--gpt2/refs/main"), "gpt2");
}

TEST(ModelId, a_cache_may_be_below_hub) {
  EXPECT_EQ(model_id("hub/models--meta--llama/refs/main"), "meta/llama");
  EXPECT_EQ(model_id("hub/models--gpt2/refs/main"), "gpt2");
  EXPECT_EQ(model_id("hub/version.txt"), "hub");
  EXPECT_EQ(model_id("other/models--meta--llama/refs/main"), "other/models--meta--llama");
}

TEST(ModelId, datasets_and_spaces_have_a_prefix) {
  EXPECT_EQ(model_id("datasets--org--text/blobs/00"), "datasets/org/text");
  EXPECT_EQ(model_id("hub/spaces--org--demo/blobs/00"), "spaces/org/demo");
  EXPECT_EQ(model_id("datasets--text/blobs/00"), "datasets/text");
}

TEST(ModelId, only_the_first_pair_of_dashes_separates) {
  EXPECT_EQ(model_id("models--org--a--b/blobs/00"), "org/a--b");
  EXPECT_EQ(model_id("models--org-x--a-b/blobs/00"), "org-x/a-b");
}

TEST(ModelId, incomplete_cache_names_are_plain_folders) {
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
