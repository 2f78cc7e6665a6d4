#include "archive/file_history.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace elves::archive {
namespace {

constexpr auto kCurrent = RowState::Current;
constexpr auto kFormer = RowState::Former;
constexpr auto kSuperseded = RowState::Superseded;

struct Version {
  const char* path;
  FileKind kind = FileKind::Regular;
};

std::vector<RowState> states_of(const std::vector<Version>& rows) {
  FileHistory history(KeyedHash(std::vector<std::byte>(KeyedHash::kSecretBytes, std::byte{7})));
  std::uint64_t order = 1;
  for (const auto& row : rows) history.add(row.path, row.kind, order++);
  return history.states();
}

using States = std::vector<RowState>;

TEST(FileHistory, the_latest_row_of_a_path_is_current) {
  EXPECT_EQ(states_of({{"m/a"}, {"m/b"}, {"m/a"}}), (States{kSuperseded, kCurrent, kCurrent}));
}

TEST(FileHistory, files_below_a_folder_that_became_a_file_are_former) {
  EXPECT_EQ(states_of({{"a", FileKind::Directory}, {"a/b"}, {"a"}}), (States{kSuperseded, kFormer, kCurrent}));
}

TEST(FileHistory, files_below_a_folder_that_became_a_link_are_former_at_any_depth) {
  EXPECT_EQ(states_of({{"m/a/b/c"}, {"m/a", FileKind::Symlink}, {"m/d"}}), (States{kFormer, kCurrent, kCurrent}));
}

TEST(FileHistory, a_file_that_became_a_folder_is_former_though_the_folder_has_no_row) {
  EXPECT_EQ(states_of({{"a"}, {"a/b/c"}}), (States{kFormer, kCurrent}));
}

TEST(FileHistory, a_folder_that_was_a_file_in_between_holds_only_what_came_after) {
  EXPECT_EQ(states_of({{"a", FileKind::Directory}, {"a/b"}, {"a"}, {"a", FileKind::Directory}, {"a/c"}}),
            (States{kSuperseded, kFormer, kSuperseded, kCurrent, kCurrent}));
}

TEST(FileHistory, a_folder_stays_current_while_files_in_it_change) {
  EXPECT_EQ(states_of({{"a", FileKind::Directory}, {"a/b"}, {"a/b"}, {"a/c"}}),
            (States{kCurrent, kSuperseded, kCurrent, kCurrent}));
}

TEST(FileHistory, older_versions_below_a_former_folder_are_superseded) {
  EXPECT_EQ(states_of({{"a/b"}, {"a/b"}, {"a"}}), (States{kSuperseded, kFormer, kCurrent}));
}

TEST(FileHistory, names_that_begin_alike_are_other_paths) {
  EXPECT_EQ(states_of({{"ab/c"}, {"a/d"}, {"a.b"}, {"ab"}}), (States{kFormer, kCurrent, kCurrent, kCurrent}));
}

TEST(FileHistory, totals_count_regular_files_once_and_no_folders) {
  FileHistory history(KeyedHash(std::vector<std::byte>(KeyedHash::kSecretBytes)));
  history.add("m", FileKind::Directory, 1, 0);
  history.add("m/a", FileKind::Regular, 2, 100);
  history.add("m/b", FileKind::Hardlink, 3, 100);
  history.add("m/a", FileKind::Regular, 4, 30);
  EXPECT_EQ(history.totals(history.states()), (FileTotals{2, 30, 1, 100}));
}

}  // namespace
}  // namespace elves::archive
