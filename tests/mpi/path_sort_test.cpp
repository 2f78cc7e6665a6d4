#include "corpus/path_sort.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>

#include "support/byte_cursor.hpp"

namespace elves::corpus {
namespace {

class PathSort : public ::testing::Test {
 protected:
  std::vector<FoundPath> rows(const std::vector<std::string>& paths) const {
    std::vector<FoundPath> result;
    for (const auto& path : paths) {
      FoundPath row;
      row.entry.path = path;
      row.entry.size_bytes = path.size();
      result.push_back(std::move(row));
    }
    return result;
  }

  /// Sorts the paths of all ranks and compares the result with a serial sort.
  void expect_sorted(const std::vector<std::string>& mine) const {
    const auto all_before = everything(mine);
    const auto sorted = sort_by_path(comm_, rows(mine));
    std::vector<std::string> part;
    for (const auto& row : sorted) {
      part.push_back(row.entry.path);
      EXPECT_EQ(row.entry.size_bytes, row.entry.path.size()) << "a row keeps its fields";
    }
    const auto all_after = everything(part);
    const std::set<std::string> expected(all_before.begin(), all_before.end());
    EXPECT_EQ(all_after, std::vector<std::string>(expected.begin(), expected.end()));
    const auto share = comm_.sum(std::uint64_t{part.size()}) / static_cast<std::uint64_t>(comm_.size());
    EXPECT_GE(part.size(), share);
    EXPECT_LE(part.size(), share + 1);
  }

  /// The texts of all ranks in order of rank, on all ranks.
  std::vector<std::string> everything(const std::vector<std::string>& mine) const {
    std::vector<std::byte> bytes;
    for (const auto& text : mine) ByteWriter(bytes).text(text);
    std::vector<std::string> all;
    const mpi::PerRank<std::byte> to(static_cast<std::size_t>(comm_.size()), bytes);
    for (const auto& part : comm_.alltoallv(to)) {
      for (ByteCursor cursor(part); !cursor.at_end();) all.push_back(cursor.read_text());
    }
    return all;
  }

  const mpi::Comm& comm_ = mpi::world();
};

TEST_F(PathSort, sorts_nothing) {
  expect_sorted({});
}

TEST_F(PathSort, sorts_random_paths_of_all_ranks) {
  std::mt19937 random(static_cast<unsigned>(comm_.rank()));
  std::vector<std::string> mine(3000 + static_cast<std::size_t>(comm_.rank()) * 17);
  for (auto& path : mine) {
    for (auto n = random() % 6 + 1; n > 0; --n) path += static_cast<char>(random() % 255 + 1);
  }
  expect_sorted(mine);
}

TEST_F(PathSort, distributes_paths_that_only_the_last_rank_has) {
  std::vector<std::string> mine;
  if (comm_.rank() == comm_.size() - 1) {
    for (int i = 0; i < 5000; ++i) mine.push_back("shard/" + std::to_string(i));
  }
  expect_sorted(mine);
}

TEST_F(PathSort, distributes_paths_with_a_long_common_prefix) {
  std::vector<std::string> mine;
  for (int i = comm_.rank(); i < 2000; i += comm_.size()) mine.push_back(std::string(900, 'p') + std::to_string(i));
  expect_sorted(mine);
}

TEST_F(PathSort, keeps_a_path_of_all_ranks_once) {
  std::vector<std::string> mine(100, "the same");
  mine.push_back("of rank " + std::to_string(comm_.rank()));
  expect_sorted(mine);
}

TEST_F(PathSort, orders_by_bytes_and_not_by_signed_characters) {
  expect_sorted({"\xFF" + std::to_string(comm_.rank()), "a" + std::to_string(comm_.rank()), "a/b", "a-b", "a"});
}

TEST_F(PathSort, orders_by_tier_and_keeps_the_order_within_a_tier) {
  constexpr std::uint8_t kTiers = 4;
  for (const std::size_t n : {0, 1, 3, 1000}) {  // paths of one rank; others have more or none
    const auto rank = static_cast<std::size_t>(comm_.rank());
    std::mt19937 random(static_cast<unsigned>(rank));
    std::vector<FileEntry> entries;
    std::vector<std::uint8_t> tiers;
    for (std::size_t i = 0; i < n * ((rank + 1) % 3); ++i) {
      tiers.push_back(static_cast<std::uint8_t>(random() % 3 == 0 ? 3 : random() % 2));  // tier 2 is empty
      FileEntry entry;
      entry.path = std::to_string(tiers[i]) + "/" + std::to_string(10'000 * rank + i + 100'000);
      entry.kind = FileKind::Hardlink;
      entry.target = "first of " + entry.path;
      entry.mtime_nanoseconds = static_cast<std::uint32_t>(i);
      entries.push_back(entry);
    }
    std::vector<std::string> before;
    for (const auto& entry : entries) before.push_back(entry.path);
    auto expected = everything(before);
    std::stable_sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) { return a[0] < b[0]; });

    const auto ordered = order_by_tier(comm_, std::move(entries), tiers, kTiers);
    std::vector<std::string> part;
    for (const auto& entry : ordered) {
      part.push_back(entry.path);
      EXPECT_EQ(entry.kind, FileKind::Hardlink);
      EXPECT_EQ(entry.target, "first of " + entry.path);
      EXPECT_EQ(entry.mtime_nanoseconds, std::stoul(entry.path.substr(2)) % 10'000);
    }
    EXPECT_EQ(everything(part), expected);
    const auto share = expected.size() / static_cast<std::size_t>(comm_.size());
    EXPECT_GE(part.size(), share);
    EXPECT_LE(part.size(), share + 1);
  }
}

TEST_F(PathSort, distinguishes_inodes_of_different_devices) {
  std::vector<FoundPath> found;
  for (std::uint64_t device = 0; device < 3; ++device) {
    FoundPath row;
    row.entry.path = std::to_string(comm_.rank()) + "/" + std::to_string(device);
    row.entry.device = device;
    row.entry.inode = 42;
    row.has_other_names = true;
    found.push_back(row);
  }
  link_names_of_one_inode(comm_, found);
  for (std::size_t device = 0; device < 3; ++device) {
    EXPECT_EQ(found[device].entry.kind, comm_.is_root() ? FileKind::Regular : FileKind::Hardlink);
    EXPECT_EQ(found[device].entry.target, comm_.is_root() ? "" : "0/" + std::to_string(device));
  }
}

}  // namespace
}  // namespace elves::corpus
