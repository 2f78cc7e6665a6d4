#include "restore/target_tree.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

namespace elves::restore {
namespace {

namespace fs = std::filesystem;

archive::FileRow row_of(std::uint32_t mode) {
  archive::FileRow row;
  row.mode = mode;
  row.uid = ::geteuid();
  row.gid = ::getegid();
  row.mtime_seconds = 1'000'000;
  return row;
}

class TargetTreeTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/elves-tree-test-XXXXXX";
    root_ = ::mkdtemp(name);
  }
  void TearDown() override { fs::remove_all(root_); }

  TargetTree open(bool replace = false) const {
    auto tree = TargetTree::open(root_ + "/to", replace);
    EXPECT_TRUE(tree) << tree.error().message;
    return std::move(*tree);
  }
  static Result<void> write(TargetTree& tree, const std::string& path, std::string_view text) {
    auto file = tree.begin_file(path);
    if (!file) return file.error();
    if (auto done = file->write(std::as_bytes(std::span(text)), 0); !done) return done;
    return tree.commit_file(std::move(*file), row_of(0640));
  }
  std::string content(const std::string& path) const {
    std::ifstream file(root_ + "/to/" + path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string root_;
};

TEST(SafePath, stays_below_its_root) {
  for (const auto* path : {"a", "a/b", ".hidden", "a/...", "a b/ä"}) EXPECT_TRUE(is_safe_path(path)) << path;
  for (const auto* path : {"", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/."})
    EXPECT_FALSE(is_safe_path(path)) << path;
  EXPECT_FALSE(is_safe_path(std::string_view("a\0b", 3)));
}

TEST_F(TargetTreeTest, a_file_has_its_name_only_when_it_is_committed) {
  fs::create_directory(root_ + "/to");
  auto tree = open();
  {
    auto file = tree.begin_file("m/w");
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_FALSE(fs::exists(root_ + "/to/m/w"));
  }
  EXPECT_TRUE(fs::is_empty(root_ + "/to/m")) << "a file that is dropped leaves nothing";
  ASSERT_TRUE(write(tree, "m/w", "weights"));
  EXPECT_EQ(content("m/w"), "weights");
  struct stat status {};
  ASSERT_EQ(::stat((root_ + "/to/m/w").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640u);
  EXPECT_EQ(status.st_mtime, 1'000'000);
}

TEST_F(TargetTreeTest, replaces_files_only_where_it_may) {
  fs::create_directory(root_ + "/to");
  auto tree = open();
  ASSERT_TRUE(write(tree, "w", "first"));
  const auto again = write(tree, "w", "second");
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("--force"), std::string::npos) << again.error().message;
  EXPECT_EQ(content("w"), "first");
  auto forced = open(true);
  ASSERT_TRUE(write(forced, "w", "second"));
  EXPECT_EQ(content("w"), "second");
}

TEST_F(TargetTreeTest, never_writes_through_a_link) {
  fs::create_directories(root_ + "/to");
  fs::create_directories(root_ + "/outside");
  fs::create_directory_symlink("../outside", root_ + "/to/m");
  auto tree = open(true);
  const auto done = write(tree, "m/w", "weights");
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("a link or a file is in its place"), std::string::npos) << done.error().message;
  EXPECT_FALSE(tree.make_directory("m/folder"));
  EXPECT_FALSE(tree.make_symlink("m/link", "x", row_of(0777)));
  EXPECT_TRUE(fs::is_empty(root_ + "/outside"));
}

TEST_F(TargetTreeTest, unsafe_paths_are_errors) {
  fs::create_directory(root_ + "/to");
  auto tree = open();
  for (const auto* path : {"../w", "/w", "a/../../w"}) {
    EXPECT_FALSE(tree.begin_file(path)) << path;
    EXPECT_FALSE(tree.make_directory(path)) << path;
    EXPECT_FALSE(tree.make_symlink(path, "x", row_of(0777))) << path;
    EXPECT_FALSE(tree.make_hardlink(path, "x")) << path;
    EXPECT_FALSE(tree.make_hardlink("x", path)) << path;
  }
  EXPECT_TRUE(fs::is_empty(root_ + "/to"));
}

TEST_F(TargetTreeTest, makes_links_and_folders) {
  fs::create_directory(root_ + "/to");
  auto tree = open();
  ASSERT_TRUE(tree.make_directory("m"));
  ASSERT_TRUE(write(tree, "m/w", "weights"));
  ASSERT_TRUE(tree.make_hardlink("m/second", "m/w"));
  ASSERT_TRUE(tree.make_symlink("m/link", "nowhere", row_of(0777)));
  ASSERT_TRUE(tree.finish_directory("m", row_of(0750)));
  EXPECT_EQ(fs::hard_link_count(root_ + "/to/m/w"), 2u);
  EXPECT_EQ(fs::read_symlink(root_ + "/to/m/link"), "nowhere");
  struct stat status {};
  ASSERT_EQ(::stat((root_ + "/to/m").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0750u);
  EXPECT_EQ(status.st_mtime, 1'000'000);
  EXPECT_TRUE(tree.sync());
}

}  // namespace
}  // namespace elves::restore
