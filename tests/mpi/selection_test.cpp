#include "restore/selection.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "mpi/query.hpp"
#include "pipeline/sweep.hpp"
#include "restore/decode/file_decoder.hpp"

namespace elves::restore {
namespace {

namespace fs = std::filesystem;

/// A small hub that is archived by all ranks.
class SelectFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string root = ::testing::TempDir() + "elves-select-XXXXXX";
    if (comm_.is_root()) ::mkdtemp(root.data());
    root_ = comm_.broadcast(root);
  }
  void TearDown() override {
    comm_.barrier();
    if (comm_.is_root()) fs::remove_all(root_);
  }

  std::string at(const std::string& path) const { return root_ + "/hub/" + path; }
  void write(const std::string& path) const {
    if (!comm_.is_root()) return;
    fs::create_directories(fs::path(at(path)).parent_path());
    std::ofstream(at(path)) << path;
  }
  void link(const std::string& path, const std::string& target) const {
    if (!comm_.is_root()) return;
    fs::create_directories(fs::path(at(path)).parent_path());
    fs::create_symlink(target, at(path));
  }

  void sweep(const std::vector<std::string>& include = {}) {
    comm_.barrier();
    pipeline::SweepOptions options;
    options.corpus = root_ + "/hub";
    options.archive = root_ + "/archive";
    options.walk.filter.include = include;
    options.threads = 1;
    options.progress = pipeline::ProgressMode::None;
    pipeline::sweep(comm_, options);
    directory_ = archive::open_archive(comm_, options.archive);
  }

  /// How often each path but folders is selected; true where it is to be linked.
  std::multimap<std::string, bool> select(const Selection& selection) {
    const auto selected = select_files(comm_, directory_, selection);
    archive::ShardSet shards(directory_);
    std::vector<std::string> mine;
    for (const auto& [ref, is_link] : selected.files) {
      const auto file = read_file_row(shards, ref);
      EXPECT_TRUE(file);
      if (file && file->kind() != FileKind::Directory) mine.push_back((is_link ? "L" : "F") + file->path);
    }
    std::multimap<std::string, bool> all;
    const mpi::PerRank<std::string> to(static_cast<std::size_t>(comm_.size()), mine);
    for (const auto& from_rank : mpi::exchange_rows(comm_, to)) {
      for (const auto& text : from_rank) all.emplace(text.substr(1), text[0] == 'L');
    }
    return all;
  }

  std::string refusal(const Selection& selection) const {
    try {
      select_files(comm_, directory_, selection);
    } catch (const AgreedFailure& failure) {
      return failure.what();
    }
    return "";
  }

  static Selection paths(std::vector<std::string> patterns) {
    Selection selection;
    selection.paths = std::move(patterns);
    return selection;
  }

  const mpi::Comm& comm_ = mpi::world();
  std::string root_;
  archive::ArchiveDir directory_;
};

using Files = std::multimap<std::string, bool>;

TEST_F(SelectFiles, every_file_is_selected_once_whatever_shard_and_rank_it_is_on) {
  Files expected;
  for (int i = 0; i < 20; ++i) {
    const auto path = "org/m" + std::to_string(i % 4) + "/file" + std::to_string(i);
    write(path);
    expected.emplace(path, false);
    if (i % 7 == 0) sweep();
  }
  sweep();
  EXPECT_EQ(select({}), expected);
  EXPECT_EQ(select(paths({"org/m3/file3", "**/file1?", "file3"})).size(), 11u);
}

TEST_F(SelectFiles, circles_of_links_end) {
  write("org/m/file");
  link("org/m/a", "b");
  link("org/m/b", "a");
  link("org/m/self", "self");
  link("org/m/grows", "grows/deeper");
  link("org/m/round", "round/../file");
  sweep();
  EXPECT_EQ(select(paths({"org/m/a"})), (Files{{"org/m/a", false}, {"org/m/b", false}}));
  EXPECT_EQ(select(paths({"org/m/self", "org/m/grows"})), (Files{{"org/m/grows", false}, {"org/m/self", false}}));
  EXPECT_EQ(select(paths({"org/m/round"})), (Files{{"org/m/file", false}, {"org/m/round", false}}));
}

TEST_F(SelectFiles, links_lead_through_links_and_to_folders_that_have_no_row) {
  write("shared/data/deep/file");
  write("shared/data.txt");
  link("org/m/data", "../../shared/data");
  link("org/m/file", "data/deep/file");
  sweep({"org/**", "**/deep/file"});
  const Files expected{{"org/m/data", false}, {"shared/data/deep/file", false}};
  EXPECT_EQ(select(paths({"org/m/data"})), expected);
  auto through = expected;
  through.emplace("org/m/file", false);
  EXPECT_EQ(select(paths({"org/m/file"})), through);
}

TEST_F(SelectFiles, a_link_to_what_was_not_archived_is_selected_alone) {
  write("shared/file");
  link("org/m/file", "../../shared/file");
  link("org/m/outside", "../../../file");
  sweep({"org/**"});
  EXPECT_EQ(select(paths({"org/m"})), (Files{{"org/m/file", false}, {"org/m/outside", false}}));
}

TEST_F(SelectFiles, a_hard_link_is_linked_where_its_first_name_is_selected_too) {
  write("org/m/a");
  if (comm_.is_root()) fs::create_hard_link(at("org/m/a"), at("org/m/b"));
  sweep();
  EXPECT_EQ(select({}), (Files{{"org/m/a", false}, {"org/m/b", true}}));
  EXPECT_EQ(select(paths({"org/m/b"})), (Files{{"org/m/b", false}}));
}

TEST_F(SelectFiles, a_name_of_several_models_and_one_of_none_are_refused_on_all_ranks) {
  write("one/m/a");
  sweep();
  write("two/m/a");
  sweep();
  Selection selection;
  selection.models = {"m"};
  EXPECT_NE(refusal(selection).find("one/m, two/m"), std::string::npos) << refusal(selection);
  selection.models = {"Two/m"};
  EXPECT_NE(refusal(selection).find("did you mean two/m?"), std::string::npos) << refusal(selection);
  selection.models = {"two/m", "none"};
  EXPECT_EQ(select_files(comm_, directory_, selection).unmatched, std::vector<std::string>{"--model none"});
}

}  // namespace
}  // namespace elves::restore
