#include "corpus/walk.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <ostream>
#include <random>
#include <string>
#include <thread>

#include "support/byte_cursor.hpp"
#include "support/text.hpp"

namespace elves::corpus {

// For GoogleTest: an entry on one line.
std::ostream& operator<<(std::ostream& out, const FileEntry& entry) {
  constexpr std::string_view kKinds = "RSHD";
  return out << kKinds[static_cast<std::size_t>(entry.kind)] << ' ' << printable(entry.path) << " mode " << std::oct
             << entry.mode << std::dec << " owner " << entry.uid << ':' << entry.gid << " time " << entry.mtime_seconds
             << '.' << entry.mtime_nanoseconds << " size " << entry.size_bytes << " -> " << printable(entry.target);
}
bool operator==(const FileEntry& a, const FileEntry& b) {
  return ::testing::PrintToString(a) == ::testing::PrintToString(b) && a.device == b.device && a.inode == b.inode;
}

namespace {

namespace fs = std::filesystem;

/// The entries of all ranks at rank 0, in order of rank.
struct Everything {
  std::vector<FileEntry> entries;
  std::map<std::string, std::string> problems;
  std::map<std::string, std::string> unmatched;
  std::vector<std::uint64_t> entries_of_rank;  ///< on all ranks
};

class Walk : public ::testing::Test {
 protected:
  void SetUp() override {
    if (comm_.is_root()) {
      root_ = ::testing::TempDir() + "elves-walk-XXXXXX";
      ::mkdtemp(root_.data());
      ::chmod(root_.c_str(), 0755);
    }
    root_ = comm_.broadcast(root_);
  }
  void TearDown() override {
    comm_.barrier();
    if (comm_.is_root()) fs::remove_all(root_);
  }

  /// Rank 0 creates a tree while the others wait.
  template <class Make>
  void given(Make make) {
    Result<void> made;
    try {
      if (comm_.is_root()) make(fs::path(root_));
    } catch (const std::exception& error) {
      made = Error{error.what()};
    }
    comm_.agree(made, "test: make the tree");
  }

  Everything walk_all(const WalkOptions& options = {}) const {
    const auto mine = walk(comm_, root_, options);
    Everything all;
    std::vector<std::byte> bytes;
    ByteWriter writer(bytes);
    for (const auto& each : mine.entries) {
      writer.text(each.path);
      writer.write(each.kind);
      for (const std::uint64_t number :
           {std::uint64_t{each.mode}, std::uint64_t{each.uid}, std::uint64_t{each.gid},
            static_cast<std::uint64_t>(each.mtime_seconds), std::uint64_t{each.mtime_nanoseconds}, each.size_bytes,
            each.device, each.inode}) {
        writer.write(number);
      }
      writer.text(each.target);
    }
    for (const auto& part : comm_.gather(bytes)) {
      for (ByteCursor cursor(part); !cursor.at_end();) {
        FileEntry each;
        each.path = cursor.read_text();
        each.kind = cursor.read<FileKind>();
        each.mode = static_cast<std::uint32_t>(cursor.read<std::uint64_t>());
        each.uid = static_cast<std::uint32_t>(cursor.read<std::uint64_t>());
        each.gid = static_cast<std::uint32_t>(cursor.read<std::uint64_t>());
        each.mtime_seconds = cursor.read<std::int64_t>();
        each.mtime_nanoseconds = static_cast<std::uint32_t>(cursor.read<std::uint64_t>());
        each.size_bytes = cursor.read<std::uint64_t>();
        each.device = cursor.read<std::uint64_t>();
        each.inode = cursor.read<std::uint64_t>();
        each.target = cursor.read_text();
        all.entries.push_back(std::move(each));
      }
    }
    all.problems = gather_problems(mine.problems);
    all.unmatched = gather_problems(mine.unmatched);
    all.entries_of_rank = comm_.allgather(std::uint64_t{mine.entries.size()});
    return all;
  }

  std::map<std::string, std::string> gather_problems(const std::vector<PathProblem>& mine) const {
    std::vector<std::byte> bytes;
    for (const auto& each : mine) {
      ByteWriter(bytes).text(each.path);
      ByteWriter(bytes).text(each.reason);
    }
    std::map<std::string, std::string> all;
    std::size_t n_problems = 0;
    for (const auto& part : comm_.gather(bytes)) {
      for (ByteCursor cursor(part); !cursor.at_end(); ++n_problems) {
        auto path = cursor.read_text();
        all[path] = cursor.read_text();
      }
    }
    EXPECT_EQ(n_problems, all.size()) << "a path is reported once";
    return all;
  }

  std::vector<std::string> paths(const Everything& all) const {
    std::vector<std::string> result;
    for (const auto& each : all.entries) result.push_back(each.path);
    return result;
  }

  const mpi::Comm& comm_ = mpi::world();
  std::string root_;
};

/// Runs as a user without rights during its lifetime, because root may read everything.
class AsNobody {
 public:
  AsNobody() : was_root_(::geteuid() == 0) {
    if (was_root_ && ::seteuid(65534) != 0) std::abort();
  }
  ~AsNobody() {
    if (was_root_ && ::seteuid(0) != 0) std::abort();
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

 private:
  bool was_root_;
};

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

/// The expected entries by another method: a serial listing, sorted, with the first names of inodes found by search.
std::vector<FileEntry> serial_listing(const std::string& root) {
  std::vector<FileEntry> entries;
  for (const auto& each : fs::recursive_directory_iterator(root)) {
    struct stat status {};
    ::lstat(each.path().c_str(), &status);
    FileEntry entry;
    entry.path = each.path().lexically_relative(root).native();
    entry.kind = each.is_symlink() ? FileKind::Symlink : each.is_directory() ? FileKind::Directory : FileKind::Regular;
    entry.mode = status.st_mode & 07777;
    entry.uid = status.st_uid;
    entry.gid = status.st_gid;
    entry.mtime_seconds = status.st_mtim.tv_sec;
    entry.mtime_nanoseconds = static_cast<std::uint32_t>(status.st_mtim.tv_nsec);
    entry.size_bytes = entry.kind == FileKind::Regular ? fs::file_size(each.path()) : 0;
    entry.device = status.st_dev;
    entry.inode = status.st_ino;
    if (each.is_symlink()) entry.target = fs::read_symlink(each.path()).native();
    entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  std::map<std::uint64_t, std::string> first;
  for (auto& each : entries) {
    if (each.kind != FileKind::Regular) continue;
    const auto [known, is_new] = first.try_emplace(each.inode, each.path);
    if (is_new) continue;
    each.kind = FileKind::Hardlink;
    each.target = known->second;
  }
  return entries;
}

/// A tree of a few hundred paths with names in an unexpected order: "a-b" comes before "a/b", and "a" before both.
void make_random_tree(const fs::path& root, unsigned seed) {
  std::mt19937 random(seed);
  fs::create_directories(root);
  const std::vector<std::string> names{
      "a",       "a-b",       "a.b",   "b c",      "Z",    "z\xFF\xFE", "new\nline",
      "\x01",    "模型",      "*?[x]", "-rf",      "a'b",  "x\\y",      std::string(255, 'n'),
      ".hidden", "model.bin", "0",     "\xC3\xA9", "\xE9", "~"};
  std::vector<fs::path> folders{root};
  std::vector<fs::path> files;
  for (int i = 0; i < 600; ++i) {
    const auto path = folders[random() % folders.size()] / names[random() % names.size()];
    if (fs::exists(fs::symlink_status(path))) continue;
    switch (random() % 8) {
      case 0:
      case 1:
        fs::create_directory(path);
        folders.push_back(path);
        break;
      case 2:
        fs::create_symlink(i % 2 == 0 ? "../elsewhere" : root.native(), path);
        break;
      case 3:
        if (!files.empty()) fs::create_hard_link(files[random() % files.size()], path);
        break;
      default:
        write(path, std::string(random() % 3 == 0 ? 0 : random() % 5000, 'x'));
        files.push_back(path);
    }
  }
}

TEST_F(Walk, finds_the_entries_of_a_serial_listing_in_the_same_order) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    given([&](const fs::path& root) { make_random_tree(root / std::to_string(seed), seed); });
    const auto all = walk_all();
    if (!comm_.is_root()) continue;
    const auto expected = serial_listing(root_);
    EXPECT_GT(expected.size(), 100u);
    EXPECT_EQ(all.entries, expected) << "seed " << seed;
    EXPECT_TRUE(all.problems.empty());
  }
}

TEST_F(Walk, gives_every_rank_the_same_number_of_entries) {
  given([](const fs::path& root) {
    for (int i = 0; i < 3001; ++i) write(root / "one folder" / std::to_string(i), "");
  });
  const auto all = walk_all();
  const auto [least, most] = std::minmax_element(all.entries_of_rank.begin(), all.entries_of_rank.end());
  EXPECT_LE(*most - *least, 1u);
  EXPECT_EQ(comm_.sum(all.entries_of_rank[static_cast<std::size_t>(comm_.rank())]), 3002u);
}

TEST_F(Walk, of_an_empty_corpus_is_empty) {
  const auto all = walk_all();
  EXPECT_TRUE(all.entries.empty());
  EXPECT_TRUE(all.problems.empty());
}

TEST_F(Walk, works_with_more_ranks_than_files) {
  given([](const fs::path& root) { write(root / "only", "one"); });
  const auto all = walk_all();
  if (!comm_.is_root()) return;
  EXPECT_EQ(paths(all), std::vector<std::string>{"only"});
}

TEST_F(Walk, records_symbolic_links_and_does_not_follow_them) {
  const std::string long_target(4000, 't');
  given([&](const fs::path& root) {
    write(root / "folder" / "file", "x");
    fs::create_symlink("folder", root / "to_folder");
    fs::create_symlink("..", root / "folder" / "loop");
    fs::create_symlink("nowhere", root / "dangling");
    fs::create_symlink("/etc", root / "outside");
    fs::create_symlink(long_target, root / "long");
    fs::create_symlink("target-\xFF\n", root / "odd");
  });
  const auto all = walk_all();
  if (!comm_.is_root()) return;
  EXPECT_EQ(paths(all), (std::vector<std::string>{"dangling", "folder", "folder/file", "folder/loop", "long", "odd",
                                                  "outside", "to_folder"}));
  std::map<std::string, std::string> targets;
  for (const auto& each : all.entries) {
    if (each.kind == FileKind::Symlink) targets[each.path] = each.target;
  }
  EXPECT_EQ(targets, (std::map<std::string, std::string>{{"dangling", "nowhere"},
                                                         {"folder/loop", ".."},
                                                         {"long", long_target},
                                                         {"odd", "target-\xFF\n"},
                                                         {"outside", "/etc"},
                                                         {"to_folder", "folder"}}));
}

TEST_F(Walk, the_first_name_of_an_inode_in_corpus_order_is_the_file_and_the_others_are_hard_links) {
  given([](const fs::path& root) {
    write(root / "z" / "original", "weights");
    fs::create_directories(root / "a");
    fs::create_hard_link(root / "z" / "original", root / "a" / "later");
    for (int i = 0; i < 50; ++i) fs::create_hard_link(root / "z" / "original", root / ("m" + std::to_string(i)));
    write(root / "b", "weights");
  });
  const auto all = walk_all();
  if (!comm_.is_root()) return;
  int n_links = 0;
  for (const auto& each : all.entries) {
    if (each.kind == FileKind::Directory) continue;
    const bool first = each.path == "a/later" || each.path == "b";
    EXPECT_EQ(each.kind, first ? FileKind::Regular : FileKind::Hardlink) << each.path;
    EXPECT_EQ(each.target, first ? "" : "a/later") << each.path;
    EXPECT_EQ(each.size_bytes, 7u) << each.path;
    n_links += !first;
  }
  EXPECT_EQ(n_links, 51);
}

TEST_F(Walk, a_file_whose_other_names_are_outside_of_the_corpus_is_regular) {
  given([](const fs::path& root) {
    write(root / "out" / "name", "x");
    fs::create_directories(root / "in");
    fs::create_hard_link(root / "out" / "name", root / "in" / "name");
  });
  const auto all = walk_all({.filter = {.include = {}, .exclude = {"out"}}, .files_from = {}});
  if (!comm_.is_root()) return;
  ASSERT_EQ(paths(all), (std::vector<std::string>{"in", "in/name"}));
  EXPECT_EQ(all.entries[1].kind, FileKind::Regular);
}

TEST_F(Walk, records_modes_owners_and_times_to_the_nanosecond) {
  given([](const fs::path& root) {
    write(root / "old", "x");
    ::chmod((root / "old").c_str(), 04640);
    const struct timespec times[2] = {{1, 0}, {-86400, 123456789}};  // the day before 1970
    ::utimensat(AT_FDCWD, (root / "old").c_str(), times, 0);
    fs::create_directory(root / "sticky");
    ::chmod((root / "sticky").c_str(), 01777);
  });
  const auto all = walk_all();
  if (!comm_.is_root()) return;
  ASSERT_EQ(all.entries.size(), 2u);
  EXPECT_EQ(all.entries[0].mode, 04640u);
  EXPECT_EQ(all.entries[0].mtime_seconds, -86400);
  EXPECT_EQ(all.entries[0].mtime_nanoseconds, 123456789u);
  EXPECT_EQ(all.entries[0].uid, ::geteuid());
  EXPECT_EQ(all.entries[1].mode, 01777u);
}

TEST_F(Walk, reports_special_files_and_continues) {
  given([](const fs::path& root) {
    write(root / "file", "x");
    ::mkfifo((root / "pipe").c_str(), 0600);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address {};
    address.sun_family = AF_UNIX;
    (root / "socket").native().copy(address.sun_path, sizeof address.sun_path - 1);
    ::bind(fd, reinterpret_cast<const struct sockaddr*>(&address), sizeof address);
    ::close(fd);
  });
  const auto all = walk_all();
  if (!comm_.is_root()) return;
  EXPECT_EQ(paths(all), std::vector<std::string>{"file"});
  EXPECT_EQ(all.problems, (std::map<std::string, std::string>{{"pipe", "a named pipe: not archived"},
                                                              {"socket", "a socket: not archived"}}));
}

TEST_F(Walk, reports_an_unreadable_folder_and_continues) {
  given([](const fs::path& root) {
    write(root / "closed" / "file", "x");
    write(root / "open" / "file", "x");
    ::chmod((root / "closed").c_str(), 0);
  });
  Everything all;
  {
    const AsNobody nobody;
    all = walk_all();
  }
  given([](const fs::path& root) { ::chmod((root / "closed").c_str(), 0700); });
  if (!comm_.is_root()) return;
  EXPECT_EQ(paths(all), (std::vector<std::string>{"closed", "open", "open/file"}));
  EXPECT_EQ(all.problems, (std::map<std::string, std::string>{{"closed", "Permission denied"}}));
}

/// The message of the Failure that the walk throws, or "".
std::string failure_of(const mpi::Comm& comm, const std::string& root) {
  try {
    (void)walk(comm, root, {});
  } catch (const Failure& failure) {
    return failure.what();
  }
  return {};
}

TEST_F(Walk, fails_on_all_ranks_if_the_corpus_is_missing) {
  const auto message = failure_of(comm_, root_ + "/none");
  EXPECT_TRUE(message.starts_with("corpus: " + root_ + "/none: No such file or directory")) << message;
  EXPECT_EQ(comm_.broadcast(message), message) << "the same on all ranks";
}

TEST_F(Walk, fails_on_all_ranks_if_the_corpus_is_a_file) {
  given([](const fs::path& root) { write(root / "file", "x"); });
  const auto message = failure_of(comm_, root_ + "/file");
  EXPECT_NE(message.find("/file: Not a directory"), std::string::npos) << message;
}

TEST_F(Walk, fails_on_all_ranks_if_the_corpus_is_unreadable) {
  given([](const fs::path& root) { fs::create_directory(root / "closed"), ::chmod((root / "closed").c_str(), 0); });
  std::string message;
  {
    const AsNobody nobody;
    message = failure_of(comm_, root_ + "/closed");
  }
  EXPECT_NE(message.find("/closed: Permission denied"), std::string::npos) << message;
}

TEST_F(Walk, does_not_enter_excluded_folders) {
  given([](const fs::path& root) {
    write(root / "keep" / "model.bin", "x");
    write(root / "keep" / "model.tmp", "x");
    fs::create_directories(root / "skip" / "deep");
    ::mkfifo((root / "skip" / "deep" / "pipe").c_str(), 0600);
    ::mkfifo((root / "pipe.tmp").c_str(), 0600);
  });
  const auto all = walk_all({.filter = {.include = {}, .exclude = {"skip", "*.tmp"}}, .files_from = {}});
  if (!comm_.is_root()) return;
  EXPECT_EQ(paths(all), (std::vector<std::string>{"keep", "keep/model.bin"}));
  EXPECT_TRUE(all.problems.empty()) << "nobody looked at the pipes";
}

TEST_F(Walk, enters_all_folders_to_find_included_files) {
  given([](const fs::path& root) {
    write(root / "org" / "a" / "model.safetensors", "x");
    write(root / "org" / "a" / "README.md", "x");
    write(root / "org" / "b" / "deep" / "x.safetensors", "x");
    write(root / "taken" / "sub" / "whole", "x");
    fs::create_directories(root / "empty");
    ::mkfifo((root / "pipe").c_str(), 0600);
  });
  const auto all =
      walk_all({.filter = {.include = {"*.safetensors", "taken"}, .exclude = {"**/b/**/x.*"}}, .files_from = {}});
  if (!comm_.is_root()) return;
  EXPECT_EQ(paths(all), (std::vector<std::string>{"org/a/model.safetensors", "taken", "taken/sub", "taken/sub/whole"}));
  EXPECT_TRUE(all.problems.empty()) << "a pipe that is not included is nobody's business";
}

TEST_F(Walk, takes_each_path_of_a_list_once_and_no_others) {
  given([](const fs::path& root) {
    write(root / "a" / "1", "x");
    write(root / "a" / "2", "x");
    write(root / "b" / "sub" / "3", "x");
    write(root / "b" / "4", "x");
    write(root / "c", "x");
    fs::create_symlink("b", root / "link");
  });
  const auto all = walk_all({.filter = {.include = {}, .exclude = {"4"}},
                             .files_from = {"./a//2", "a/2", "b/sub/3", "b/", "b", "b/sub", "b/4", "link"}});
  if (!comm_.is_root()) return;
  EXPECT_EQ(paths(all), (std::vector<std::string>{"a/2", "b", "b/sub", "b/sub/3", "link"}));
  EXPECT_TRUE(all.problems.empty());
}

TEST_F(Walk, names_the_includes_that_match_nothing) {
  given([](const fs::path& root) {
    write(root / "a" / "model.bin", "x");
    write(root / "b" / "model.pt", "x");
  });
  const auto all = walk_all(
      {.filter = {.include = {"*.bin", "*.pt", "c", "b/*.pt", "*.onnx"}, .exclude = {"b", "zzz"}}, .files_from = {}});
  if (!comm_.is_root()) return;
  EXPECT_EQ(paths(all), std::vector<std::string>{"a/model.bin"});
  EXPECT_TRUE(all.problems.empty());
  EXPECT_EQ(all.unmatched, (std::map<std::string, std::string>{{"--include *.pt", "matches nothing"},
                                                               {"--include c", "matches nothing"},
                                                               {"--include b/*.pt", "matches nothing"},
                                                               {"--include *.onnx", "matches nothing"}}));
}

TEST_F(Walk, a_list_with_the_root_takes_everything) {
  given([](const fs::path& root) { make_random_tree(root, 7); });
  const auto all = walk_all({.filter = {}, .files_from = {".", "a"}});
  if (!comm_.is_root()) return;
  EXPECT_EQ(all.entries, serial_listing(root_));
}

TEST_F(Walk, reports_each_invalid_path_of_a_list) {
  given([](const fs::path& root) {
    write(root / "file", "x");
    write(root / "folder" / "inside", "x");
    fs::create_symlink("folder", root / "link");
  });
  const auto all = walk_all({.filter = {},
                             .files_from = {"/etc/passwd", "folder/../file", "missing", "./missing", "missing/deep",
                                            "file/under", "link/inside", "folder/inside", std::string("file\0x", 6)}});
  if (!comm_.is_root()) return;
  EXPECT_EQ(paths(all), std::vector<std::string>{"folder/inside"});
  const auto& problems = all.problems;
  const auto& unmatched = all.unmatched;
  ASSERT_EQ(problems.size(), 3u);
  ASSERT_EQ(unmatched.size(), 4u);
  EXPECT_EQ(problems.at("/etc/passwd"), "an absolute path: write it relative to the corpus");
  EXPECT_EQ(problems.at("folder/../file"), "a path with \"..\": write it relative to the corpus");
  EXPECT_EQ(unmatched.at("--files-from missing"), "No such file or directory");
  EXPECT_EQ(unmatched.at("--files-from missing/deep"),
            "its folder: No such file or directory (symbolic links are not followed)");
  EXPECT_EQ(unmatched.at("--files-from file/under"), "its folder: Not a directory (symbolic links are not followed)");
  EXPECT_EQ(unmatched.at("--files-from link/inside"), "its folder: Not a directory (symbolic links are not followed)");
  EXPECT_EQ(problems.at(std::string("file\0x", 6)), "a path with a NUL byte");
}

TEST_F(Walk, reads_paths_longer_than_PATH_MAX) {
  constexpr int kDepth = 24;  // of 200 bytes each: 4800 bytes, where PATH_MAX is 4096
  const std::string name(200, 'd');
  given([&](const fs::path& root) {
    int at = ::open(root.c_str(), O_RDONLY | O_DIRECTORY);
    for (int depth = 0; depth < kDepth; ++depth) {
      ::mkdirat(at, name.c_str(), 0755);
      const int next = ::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY);
      ::close(at);
      at = next;
    }
    ::close(::openat(at, "file", O_WRONLY | O_CREAT, 0644));
    ::close(at);
  });
  const auto all = walk_all();
  if (!comm_.is_root()) return;
  EXPECT_TRUE(all.problems.empty()) << all.problems.begin()->second;
  ASSERT_EQ(all.entries.size(), kDepth + 1u);
  EXPECT_EQ(all.entries.back().path.size(), kDepth * 201u + 4u);
  EXPECT_EQ(all.entries.back().kind, FileKind::Regular);
}

TEST_F(Walk, tolerates_folders_that_appear_and_vanish_during_the_walk) {
  given([](const fs::path& root) {
    for (int i = 0; i < 40; ++i) write(root / "stays" / std::to_string(i) / "file", "x");
  });
  std::atomic<bool> done = false;
  std::thread vandal([&] {
    if (!comm_.is_root()) return;
    for (unsigned i = 0; !done; ++i) {
      const auto folder = fs::path(root_) / "goes" / std::to_string(i % 50);
      std::error_code ignored;
      fs::create_directories(folder / "deeper" / "still", ignored);
      std::ofstream(folder / "deeper" / "file") << i;
      if (i % 2 == 1) fs::remove_all(fs::path(root_) / "goes", ignored);
    }
  });
  for (int round = 0; round < 30; ++round) {
    const auto all = walk_all();
    if (!comm_.is_root()) continue;
    const auto stays = std::count_if(all.entries.begin(), all.entries.end(),
                                     [](const auto& each) { return each.path.starts_with("stays"); });
    EXPECT_EQ(stays, 81);
    for (const auto& [path, reason] : all.problems) {
      EXPECT_TRUE(path.starts_with("goes")) << path;
      EXPECT_NE(reason.find("No such file or directory"), std::string::npos) << reason;
    }
  }
  done = true;
  vandal.join();
}

}  // namespace
}  // namespace elves::corpus
