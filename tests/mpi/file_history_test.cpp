#include "archive/file_history.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace elves::archive {
namespace {

struct Version {
  std::string path;
  FileKind kind;
};

/// Versions of few paths, so that files, links and folders take the place of each other.
std::vector<Version> random_versions(std::size_t n) {
  std::mt19937 random(5);
  constexpr FileKind kKinds[] = {FileKind::Regular, FileKind::Symlink, FileKind::Directory, FileKind::Directory};
  std::vector<Version> versions;
  for (std::size_t i = 0; i < n; ++i) {
    std::string path(1, static_cast<char>('a' + random() % 3));
    for (auto depth = random() % 4; depth > 0; --depth)
      path += std::string("/") + static_cast<char>('a' + random() % 3);
    versions.push_back({path, kKinds[random() % 4]});
  }
  return versions;
}

TEST(FileHistory, ranks_that_read_some_shards_each_decide_as_one_that_reads_all) {
  const KeyedHash hash(std::vector<std::byte>(KeyedHash::kSecretBytes, std::byte{9}));
  const auto& comm = mpi::world();
  for (const std::size_t n : {1, 20, 400}) {
    const auto versions = random_versions(n);
    FileHistory whole(hash);
    FileHistory mine(hash);
    std::vector<std::size_t> read_here;
    for (std::size_t i = 0; i < n; ++i) {
      whole.add(versions[i].path, versions[i].kind, i + 1, i);
      const bool is_mine = i / 7 % static_cast<std::size_t>(comm.size()) == static_cast<std::size_t>(comm.rank());
      if (!is_mine) continue;
      mine.add(versions[i].path, versions[i].kind, i + 1, i);
      read_here.push_back(i);
    }
    const auto expected = whole.states();
    const auto states = mine.states(comm);
    ASSERT_EQ(states.size(), read_here.size());
    for (std::size_t k = 0; k < read_here.size(); ++k) EXPECT_EQ(states[k], expected[read_here[k]]) << n;
    EXPECT_EQ(mine.totals(states).sum(comm), whole.totals(expected));
  }
}

}  // namespace
}  // namespace elves::archive
