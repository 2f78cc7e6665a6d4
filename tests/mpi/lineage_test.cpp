#include "pipeline/lineage.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "corpus/model_id.hpp"
#include "corpus/walk.hpp"
#include "support/byte_cursor.hpp"
#include "support/posix.hpp"

namespace elves::pipeline {
namespace {

namespace fs = std::filesystem;

const mpi::Comm& comm() {
  return mpi::world();
}

std::string card(const std::string& base) {
  return "---\nbase_model: " + base + "\n---\n";
}

/// The texts of all ranks in order of rank, on all ranks.
std::vector<std::string> gather_all(const std::vector<std::string>& mine) {
  std::vector<std::byte> bytes;
  for (const auto& text : mine) ByteWriter(bytes).text(text);
  std::vector<std::string> all;
  for (const auto& part : comm().alltoallv(mpi::PerRank<std::byte>(static_cast<std::size_t>(comm().size()), bytes))) {
    for (ByteCursor cursor(part); !cursor.at_end();) all.push_back(cursor.read_text());
  }
  return all;
}

/// A corpus that rank 0 writes, and the lineage that a sweep finds in it.
class CorpusLineage : public ::testing::Test {
 protected:
  CorpusLineage() {
    const auto name = comm().broadcast("elves-lineage-" + random_token());
    options_.corpus = fs::temp_directory_path() / name;
    if (comm().is_root()) fs::create_directories(options_.corpus);
  }
  ~CorpusLineage() override {
    comm().barrier();
    if (comm().is_root()) fs::remove_all(options_.corpus);
  }

  void write(const std::string& path, const std::string& content) const {
    if (!comm().is_root()) return;
    const auto to = fs::path(options_.corpus) / path;
    fs::create_directories(to.parent_path());
    std::ofstream(to, std::ios::binary) << content;
  }

  void link(const std::string& path, const std::string& target) const {
    if (!comm().is_root()) return;
    const auto to = fs::path(options_.corpus) / path;
    fs::create_directories(to.parent_path());
    fs::create_symlink(target, to);
  }

  /// Collective. Sweeps over all entries but those of `archived` models.
  void sweep(const std::set<std::string>& archived = {}, const std::vector<std::string>& only_in_archive = {}) {
    comm().barrier();
    auto entries = corpus::walk(comm(), options_.corpus, {}).entries;
    const auto sources = lineage_sources(entries);
    std::erase_if(entries, [&](const auto& entry) { return archived.contains(corpus::model_of(entry)); });
    std::vector<std::string> before;
    for (const auto& entry : entries) before.push_back(entry.path);
    paths_before_ = gather_all(before);

    std::vector<Hash128> archived_models;
    if (comm().is_root()) {
      for (const auto& model : only_in_archive) archived_models.push_back(lineage::hash_of_model(model));
    }
    auto found = find_lineage(comm(), options_, sources, entries, archived_models, 1);
    lineage_ = std::move(found.lineage);
    std::vector<std::string> notes;
    for (const auto& note : found.notes) notes.push_back(note.model + ": " + note.text);
    notes = gather_all(notes);
    notes_ = {notes.begin(), notes.end()};

    const auto ordered = bases_first(comm(), std::move(entries), lineage_);
    std::vector<std::string> after;
    for (const auto& entry : ordered) after.push_back(entry.path);
    share_ = after.size();
    paths_ = gather_all(after);
  }

  std::vector<std::string> models_in_order() const {
    std::vector<std::string> models;
    for (const auto& path : paths_) {
      const auto model = corpus::model_id(path);
      if (path.find('.') != std::string::npos && (models.empty() || models.back() != model)) models.push_back(model);
    }
    return models;
  }

  void expect_bases(const std::string& model, const std::vector<std::string>& bases) const {
    std::array<Hash128, 2> expected{};
    for (std::size_t i = 0; i < bases.size(); ++i) expected[i] = lineage::hash_of_model(bases[i]);
    EXPECT_EQ(lineage_.bases_of(lineage::hash_of_model(model)), expected) << model;
  }

  SweepOptions options_;
  lineage::Lineage lineage_;
  std::set<std::string> notes_;
  std::vector<std::string> paths_before_, paths_;
  std::size_t share_ = 0;
};

TEST_F(CorpusLineage, bases_come_before_their_fine_tunes) {
  write("a/tuned/README.md", card("z/base"));
  write("a/tuned/weights.bin", "1");
  write("b/tuned-again/config.json", R"({"_name_or_path": "a/tuned"})");
  write("b/tuned-again/sub/weights.bin", "2");
  write("c/adapter/adapter_config.json", R"({"base_model_name_or_path": "z/base"})");
  write("m/other/README.md", "# no base\n");
  write("z/base/README.md", "---\nlicense: mit\n---\n");
  write("z/base/weights.bin", "3");
  write("loose.bin", "4");
  sweep();
  EXPECT_EQ(models_in_order(),
            (std::vector<std::string>{"", "m/other", "z/base", "a/tuned", "c/adapter", "b/tuned-again"}));
  EXPECT_EQ(std::set(paths_.begin(), paths_.end()), std::set(paths_before_.begin(), paths_before_.end()));
  EXPECT_EQ(paths_.size(), paths_before_.size());
  EXPECT_GE(share_, paths_.size() / static_cast<std::size_t>(comm().size()));
  EXPECT_LE(share_, paths_.size() / static_cast<std::size_t>(comm().size()) + 1);
  const auto folder = std::find(paths_.begin(), paths_.end(), "b/tuned-again");
  EXPECT_EQ(std::vector<std::string>(folder, paths_.end()),
            (std::vector<std::string>{"b/tuned-again", "b/tuned-again/config.json", "b/tuned-again/sub",
                                      "b/tuned-again/sub/weights.bin"}))
      << "a folder goes with its model";
  expect_bases("a/tuned", {"z/base"});
  expect_bases("b/tuned-again", {"a/tuned"});
  expect_bases("c/adapter", {"z/base"});
  expect_bases("z/base", {});
  EXPECT_TRUE(notes_.empty());
}

TEST_F(CorpusLineage, entries_keep_their_order_if_no_base_is_in_the_sweep) {
  write("a/one/README.md", card("gone/base"));
  for (int i = 0; i < 20; ++i) write("b/two/" + std::to_string(i) + ".bin", "x");
  sweep();
  EXPECT_EQ(paths_, paths_before_);
  expect_bases("a/one", {"gone/base"});
  EXPECT_TRUE(notes_.empty());
}

TEST_F(CorpusLineage, is_empty_without_the_stage_delta) {
  write("a/tuned/README.md", card("z/base"));
  write("z/base/weights.bin", "1");
  options_.encode.use_delta = false;
  sweep();
  EXPECT_EQ(paths_, paths_before_);
  EXPECT_TRUE(lineage_.empty());
}

TEST_F(CorpusLineage, models_of_a_cache_have_the_same_ids) {
  write("models--a--tuned/blobs/00", card("z/base"));
  link("models--a--tuned/snapshots/main/README.md", "../../blobs/00");
  write("models--z--base/blobs/01", "weights");
  link("models--z--base/snapshots/main/weights.bin", "../../blobs/01");
  write("b/plain/config.json", R"({"_name_or_path": "/cache/hub/models--z--base/snapshots/main"})");
  sweep();
  EXPECT_EQ(models_in_order(), (std::vector<std::string>{"z/base", "b/plain", "a/tuned"}));
  expect_bases("a/tuned", {"z/base"});
  expect_bases("b/plain", {"z/base"});
  EXPECT_TRUE(notes_.empty());
}

TEST_F(CorpusLineage, a_path_means_the_only_model_that_fits) {
  write("x/base/weights.bin", "1");
  write("x/twin/weights.bin", "1");
  write("y/twin/weights.bin", "2");
  write("a/one/config.json", R"({"_name_or_path": "../base"})");
  write("a/two/config.json", R"({"_name_or_path": "/home/me/runs/base"})");
  write("a/three/config.json", R"({"_name_or_path": "/home/me/x/twin"})");
  write("a/four/config.json", R"({"_name_or_path": "./twin"})");
  write("a/five/config.json", R"({"_name_or_path": "./checkpoint-500"})");
  write("a/six/config.json", R"({"_name_or_path": "base"})");
  write("a/seven/config.json", R"({"_name_or_path": "twin"})");
  write("a/eight/config.json", R"({"_name_or_path": "y/base"})");
  sweep();
  for (const auto* model : {"a/one", "a/two", "a/six"}) expect_bases(model, {"x/base"});
  expect_bases("a/three", {"x/twin"});
  expect_bases("a/four", {});
  expect_bases("a/five", {});
  expect_bases("a/seven", {"twin"});
  expect_bases("a/eight", {"y/base"});
  EXPECT_EQ(notes_,
            (std::set<std::string>{"a/four: its base './twin' may be any of several models: say which by --bases",
                                   "a/seven: its base 'twin' may be any of several models: say which by --bases"}));
}

TEST_F(CorpusLineage, a_model_that_names_itself_is_ignored_and_cycles_keep_their_order) {
  write("a/self/README.md", card("a/self"));
  for (int i = 0; i < 3; ++i) write("c/" + std::to_string(i) + "/README.md", card("c/" + std::to_string((i + 1) % 3)));
  sweep();
  expect_bases("a/self", {});
  for (int i = 0; i < 3; ++i) expect_bases("c/" + std::to_string(i), {"c/" + std::to_string((i + 1) % 3)});
  EXPECT_EQ(paths_, paths_before_);
  EXPECT_TRUE(notes_.empty());
}

TEST_F(CorpusLineage, the_list_overrules_the_files) {
  write("a/tuned/README.md", card("z/wrong"));
  write("b/tuned/weights.bin", "1");
  write("z/base/weights.bin", "2");
  write("z/wrong/weights.bin", "3");
  options_.bases = {{"a/tuned", "z/base"},  {"models--b--tuned", "../base"},
                    {"no/model", "z/base"}, {"z/base", "z/base"},
                    {"z/base", "./gone"},   {"z/base", "gone/base"}};
  sweep();
  expect_bases("a/tuned", {"z/base"});
  expect_bases("b/tuned", {"z/base"});
  EXPECT_EQ(models_in_order(), (std::vector<std::string>{"z/base", "z/wrong", "a/tuned", "b/tuned"}));
  EXPECT_EQ(notes_, (std::set<std::string>{"no/model: --bases names its base, but there is no such model",
                                           "z/base: its base 'z/base' in --bases is the model itself",
                                           "z/base: its base './gone' in --bases is no model of the corpus",
                                           "z/base: its base 'gone/base' in --bases is neither in the corpus nor in "
                                           "the archive"}));
}

TEST_F(CorpusLineage, bases_may_be_archived_before) {
  write("a/tuned/README.md", card("z/base"));
  write("b/tuned/README.md", card("gone/base"));
  write("old/tuned/README.md", card("a/tuned"));
  write("z/base/weights.bin", "1");
  sweep({"z/base", "old/tuned"}, {"gone/base", "z/base"});
  expect_bases("a/tuned", {"z/base"});
  expect_bases("b/tuned", {"gone/base"});
  expect_bases("old/tuned", {});
  EXPECT_EQ(paths_, paths_before_) << "no base is in this sweep";
  EXPECT_TRUE(notes_.empty());
}

TEST_F(CorpusLineage, cards_that_were_archived_before_are_read) {
  write("a/tuned/README.md", card("z/base"));
  write("a/tuned/weights.bin", "1");
  write("z/base/weights.bin", "2");
  comm().barrier();
  auto entries = corpus::walk(comm(), options_.corpus, {}).entries;
  const auto sources = lineage_sources(entries);
  std::erase_if(entries, [](const auto& entry) { return entry.path == "a/tuned/README.md"; });
  lineage_ = find_lineage(comm(), options_, sources, entries, {}, 1).lineage;
  expect_bases("a/tuned", {"z/base"});
}

TEST_F(CorpusLineage, the_order_of_many_models_is_by_tier_then_by_path) {
  constexpr int kModels = 300;
  std::map<std::string, int> depth;
  for (int i = 0; i < kModels; ++i) {
    const auto name = "org/" + std::to_string(1000 + i * 7919 % kModels);
    write(name + "/weights.bin", "x");
    if (i % 5 == 0) {
      depth[name] = 0;
      continue;
    }
    const auto base = "org/" + std::to_string(1000 + (i - 1) * 7919 % kModels);
    depth[name] = std::min(depth[base] + 1, 3);
    write(name + (i % 2 == 0 ? "/README.md" : "/config.json"),
          i % 2 == 0 ? card(base) : "{\"_name_or_path\": \"" + base + "\"}");
  }
  sweep();
  auto expected = paths_before_;
  const auto tier_of = [&](const std::string& path) {
    const auto model = path.substr(0, path.find('/', 4));
    return depth.contains(model) ? depth.at(model) : 0;
  };
  std::stable_sort(expected.begin(), expected.end(),
                   [&](const auto& a, const auto& b) { return tier_of(a) < tier_of(b); });
  EXPECT_EQ(paths_, expected);
}

}  // namespace
}  // namespace elves::pipeline
