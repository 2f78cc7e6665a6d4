#include "lineage/lineage_source.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace elves::lineage {
namespace {

corpus::FileEntry entry(std::string path, FileKind kind = FileKind::Regular, std::string target = {}) {
  corpus::FileEntry entry;
  entry.path = std::move(path);
  entry.kind = kind;
  entry.target = std::move(target);
  return entry;
}

void expect_file(const corpus::FileEntry& from, const std::string& model, const std::string& path, BaseSource source) {
  const auto file = as_lineage_file(from);
  ASSERT_TRUE(file) << from.path;
  EXPECT_EQ(file->model, model);
  EXPECT_EQ(file->path, path);
  EXPECT_EQ(file->source, source);
}

TEST(LineageFile, is_a_file_in_the_folder_of_a_model) {
  expect_file(entry("org/name/README.md"), "org/name", "org/name/README.md", BaseSource::Card);
  expect_file(entry("org/name/config.json"), "org/name", "org/name/config.json", BaseSource::Config);
  expect_file(entry("name/adapter_config.json", FileKind::Hardlink, "a"), "name", "name/adapter_config.json",
              BaseSource::Adapter);
}

TEST(LineageFile, is_a_link_in_a_snapshot_of_a_cache) {
  expect_file(entry("models--org--name/snapshots/12ab/README.md", FileKind::Symlink, "../../blobs/00ff"), "org/name",
              "models--org--name/blobs/00ff", BaseSource::Card);
  expect_file(entry("hub/models--gpt2/snapshots/12ab/config.json", FileKind::Symlink, "../../blobs/00ff"), "gpt2",
              "hub/models--gpt2/blobs/00ff", BaseSource::Config);
  expect_file(entry("models--org--name/snapshots/12ab/README.md"), "org/name",
              "models--org--name/snapshots/12ab/README.md", BaseSource::Card);
}

TEST(LineageFile, is_not_followed_out_of_its_model) {
  for (const std::string target :
       {"/etc/passwd", "../../../etc/passwd", "../../../../../etc/passwd", "../../../models--org--other/blobs/00ff"}) {
    EXPECT_FALSE(as_lineage_file(entry("models--org--name/snapshots/12ab/README.md", FileKind::Symlink, target)))
        << target;
  }
}

TEST(LineageFile, is_no_file_of_another_name_or_folder) {
  for (const std::string path :
       {"README.md", "org/name/readme.md", "org/name/onnx/config.json", "org/name/README.md.bak",
        "models--org--name/blobs/README.md", "models--org--name/snapshots/README.md",
        "org/name/snapshots/12ab/README.md", "a/b/c/snapshots/d/README.md", "config.json", ""})
    EXPECT_FALSE(as_lineage_file(entry(path))) << path;
  EXPECT_FALSE(as_lineage_file(entry("org/name/README.md", FileKind::Directory)));
}

class ReadBases : public ::testing::Test {
 protected:
  ReadBases() : root_(std::filesystem::temp_directory_path() / ("elves-lineage-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(root_);
  }
  ~ReadBases() override { std::filesystem::remove_all(root_); }

  std::vector<std::string> read(BaseSource source, const std::string& content) const {
    std::ofstream(root_ / "file", std::ios::binary) << content;
    return read_bases(root_, {"m", "file", source});
  }

  std::filesystem::path root_;
};

TEST_F(ReadBases, reads_each_kind_by_its_rules) {
  EXPECT_EQ(read(BaseSource::Card, "---\nbase_model: a/b\n---\n"), std::vector<std::string>{"a/b"});
  EXPECT_EQ(read(BaseSource::Config, R"({"_name_or_path": "a/b"})"), std::vector<std::string>{"a/b"});
  EXPECT_EQ(read(BaseSource::Adapter, R"({"base_model_name_or_path": "a/b"})"), std::vector<std::string>{"a/b"});
  EXPECT_TRUE(read(BaseSource::Config, "---\nbase_model: a/b\n---\n").empty());
  EXPECT_TRUE(read(BaseSource::Card, "").empty());
}

TEST_F(ReadBases, reads_a_MiB_of_a_card_and_no_larger_config) {
  const std::string text(2u << 20, ' ');
  EXPECT_EQ(read(BaseSource::Card, "---\nbase_model: a/b\n---\n" + text), std::vector<std::string>{"a/b"});
  EXPECT_TRUE(read(BaseSource::Card, "---\nbase_model: a/b\n" + text + "\n---\n").empty());
  EXPECT_TRUE(read(BaseSource::Config, R"({"_name_or_path": "a/b"})" + text).empty());
}

TEST_F(ReadBases, what_cannot_be_read_names_nothing) {
  EXPECT_TRUE(read_bases(root_, {"m", "missing", BaseSource::Card}).empty());
  EXPECT_TRUE(read_bases(root_, {"m", ".", BaseSource::Card}).empty());
  ASSERT_EQ(::mkfifo((root_ / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(read_bases(root_, {"m", "pipe", BaseSource::Card}).empty()) << "and nobody waits for a writer";
  std::ofstream(root_ / "card") << "---\nbase_model: a/b\n---\n";
  std::filesystem::create_symlink("card", root_ / "link");
  EXPECT_TRUE(read_bases(root_, {"m", "link", BaseSource::Card}).empty()) << "links of links are not followed";
}

}  // namespace
}  // namespace elves::lineage
