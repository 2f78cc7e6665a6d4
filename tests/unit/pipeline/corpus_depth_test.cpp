#include "pipeline/corpus_depth.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace elves::pipeline {
namespace {

namespace fs = std::filesystem;

class Depth : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = ::testing::TempDir() + "elves-depth-XXXXXX";
    ASSERT_NE(::mkdtemp(root_.data()), nullptr);
    write("hub/lab/base/model.safetensors");
    write("hub/lab/tuned/model.safetensors");
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string at(const std::string& path) const { return root_ + "/" + path; }
  void write(const std::string& path) const {
    fs::create_directories(fs::path(at(path)).parent_path());
    std::ofstream(at(path)) << "x";
  }

  std::string root_;
};

TEST_F(Depth, is_too_deep_where_a_model_names_its_base_with_the_folder_as_organisation) {
  const CorpusDepth depth(at("hub/lab"));
  EXPECT_TRUE(depth.is_too_deep_for("lab/base"));
  EXPECT_FALSE(depth.is_too_deep_for("lab/elsewhere"));
  EXPECT_FALSE(depth.is_too_deep_for("other/base"));
  EXPECT_FALSE(depth.is_too_deep_for("base"));
  EXPECT_FALSE(depth.is_too_deep_for("lab/"));
  EXPECT_FALSE(CorpusDepth(at("hub")).is_too_deep_for("lab/base"));
}

TEST_F(Depth, is_known_from_folders_beside_the_corpus_that_hold_models) {
  EXPECT_FALSE(CorpusDepth(at("hub/lab")).lies_among_organisations()) << "it is the only one";
  write("hub/notes/text/readme.txt");
  EXPECT_FALSE(CorpusDepth(at("hub/lab")).lies_among_organisations()) << "no model beside it";
  write("hub/acme/one/config.json");
  EXPECT_TRUE(CorpusDepth(at("hub/lab")).lies_among_organisations());
  EXPECT_FALSE(CorpusDepth(at("hub")).lies_among_organisations());
}

TEST_F(Depth, note_names_the_folder_to_archive) {
  const auto before = fs::current_path();
  fs::current_path(at("hub/lab"));
  const auto note = CorpusDepth(".").note();
  fs::current_path(before);
  EXPECT_EQ(note.model, "");
  EXPECT_NE(note.text.find("archive " + fs::canonical(at("hub")).string() + " to have ids 'lab/NAME'"),
            std::string::npos)
      << note.text;
}

}  // namespace
}  // namespace elves::pipeline
