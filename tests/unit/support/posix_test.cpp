#include "support/posix.hpp"

#include "support/try.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace elves {
namespace {

namespace fs = std::filesystem;

class Posix : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "elves-posix-XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
    return path(name);
  }
  std::size_t n_files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  /// What a file holds; the error where it cannot be read.
  std::string contents(const std::string& name) const {
    const auto text = read_small_file(path(name), 1 << 20);
    return text ? *text : text.error().message;
  }

  std::string folder_;
};

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST_F(Posix, a_descriptor_is_closed_once_by_its_last_owner) {
  int fd = -1;
  {
    FileDescriptor first(::open(folder_.c_str(), O_RDONLY));
    fd = first.get();
    FileDescriptor second(std::move(first));
    FileDescriptor third(::open(folder_.c_str(), O_RDONLY));
    const int replaced = third.get();
    third = std::move(second);
    EXPECT_TRUE(is_open(fd));
    EXPECT_FALSE(is_open(replaced)) << "assigning closes what was held";
    EXPECT_EQ(third.get(), fd);
  }
  EXPECT_FALSE(is_open(fd));
  EXPECT_FALSE(FileDescriptor());
}

TEST_F(Posix, errno_has_a_text) {
  EXPECT_EQ(errno_text(ENOENT), "No such file or directory");
}

TEST_F(Posix, reads_and_writes_at_an_offset) {
  const FileDescriptor file(::open(path("f").c_str(), O_RDWR | O_CREAT, 0600));
  ASSERT_TRUE(pwrite_exactly(file.get(), bytes_of("world"), 6));
  ASSERT_TRUE(pwrite_exactly(file.get(), bytes_of("hello "), 0));
  std::string out(7, '?');
  ASSERT_TRUE(pread_exactly(file.get(), std::as_writable_bytes(std::span(out)), 4));
  EXPECT_EQ(out, "o world");
}

TEST_F(Posix, a_file_that_ends_early_is_an_error_that_says_where) {
  const FileDescriptor file(::open(write("f", "12345").c_str(), O_RDONLY));
  std::string out(4, '?');
  const auto done = pread_exactly(file.get(), std::as_writable_bytes(std::span(out)), 3);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "file ends at byte 5, earlier than expected");
}

TEST_F(Posix, a_write_that_the_system_refuses_is_an_error) {
  const FileDescriptor file(::open(write("f", "12345").c_str(), O_RDONLY));
  const auto done = pwrite_exactly(file.get(), bytes_of("x"), 2);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "write at byte 2: Bad file descriptor");
}

TEST_F(Posix, a_small_file_is_read_whole_and_a_larger_one_refused) {
  write("f", std::string("with\0NUL", 8));
  EXPECT_EQ(contents("f"), std::string("with\0NUL", 8));
  write("empty", "");
  EXPECT_EQ(contents("empty"), "");
  EXPECT_TRUE(read_small_file(path("f"), 8));
  EXPECT_FALSE(read_small_file(path("f"), 7));
}

TEST_F(Posix, what_is_no_regular_file_is_not_read_and_not_waited_for) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(contents("pipe"), path("pipe") + ": not a regular file");
  EXPECT_EQ(read_small_file(folder_, 100).error().message, folder_ + ": not a regular file");
  EXPECT_EQ(contents("none"), path("none") + ": No such file or directory");
}

Result<void> commit(const std::string& path, std::string_view contents) {
  ELVES_TRY(auto file, PendingFile::create(path));
  return file.commit(contents);
}

TEST_F(Posix, a_pending_file_has_its_name_when_it_is_committed) {
  auto file = PendingFile::create(path("f"));
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_FALSE(fs::exists(path("f")));
  ASSERT_TRUE(file->commit("done"));
  EXPECT_EQ(contents("f"), "done");
}

TEST_F(Posix, a_pending_file_replaces_the_file_and_leaves_nothing_else) {
  write("f", "old and longer");
  ASSERT_TRUE(commit(path("f"), "new"));
  EXPECT_EQ(contents("f"), "new");
  EXPECT_EQ(n_files(), 1u);
}

TEST_F(Posix, a_pending_file_that_cannot_have_its_name_leaves_what_was_there) {
  fs::create_directory(path("folder"));
  EXPECT_FALSE(commit(path("folder"), "text")) << "a file cannot replace a folder";
  EXPECT_TRUE(fs::is_directory(path("folder")));
  EXPECT_EQ(n_files(), 1u) << "no temporary file stays";
}

TEST_F(Posix, a_pending_file_that_is_not_committed_leaves_nothing) {
  ASSERT_TRUE(PendingFile::create(path("f")));
  EXPECT_EQ(n_files(), 0u);
  const auto nowhere = PendingFile::create(path("none/f"));
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().message, path("none/f") + ": No such file or directory");
}

TEST_F(Posix, a_full_device_is_an_error_of_writing) {
  const FileDescriptor full(::open("/dev/full", O_WRONLY));
  ASSERT_TRUE(full);
  const auto done = write_all(full.get(), "text");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "No space left on device");
}

TEST_F(Posix, a_path_lies_in_a_folder_by_any_of_its_names) {
  const auto hub = path("hub");
  fs::create_directories(hub + "/org");
  fs::create_directory_symlink(hub, path("link"));
  EXPECT_TRUE(lies_in(hub, hub));
  EXPECT_TRUE(lies_in(hub + "/org", hub));
  EXPECT_TRUE(lies_in(hub + "/new/deeper", hub));
  EXPECT_TRUE(lies_in(path("link/new"), hub));
  EXPECT_TRUE(lies_in(hub + "/new", path("link")));
  EXPECT_FALSE(lies_in(path("hub2"), hub));
  EXPECT_FALSE(lies_in(hub + "/../out", hub));
  EXPECT_FALSE(lies_in(hub, path("gone")));

  const auto before = fs::current_path();
  fs::current_path(hub);
  EXPECT_TRUE(lies_in("elves-archive", "."));
  EXPECT_TRUE(lies_in("./a/b", hub));
  EXPECT_TRUE(lies_in("a", path("link")));
  EXPECT_FALSE(lies_in("../out", "."));
  fs::current_path(before);
}

TEST_F(Posix, a_rename_does_not_replace) {
  write("from", "new");
  write("to", "old");
  EXPECT_FALSE(rename_no_replace(path("from"), path("to")));
  EXPECT_EQ(contents("to"), "old");
  EXPECT_EQ(contents("from"), "new");
  ASSERT_TRUE(rename_no_replace(path("from"), path("free")));
  EXPECT_EQ(contents("free"), "new");
  EXPECT_FALSE(fs::exists(path("from")));
}

TEST_F(Posix, a_folder_can_be_synced_and_a_missing_one_is_an_error) {
  EXPECT_TRUE(fsync_directory(folder_));
  EXPECT_FALSE(fsync_directory(path("none")));
}

TEST_F(Posix, the_peak_of_memory_grows_with_what_is_held) {
  const auto before = peak_rss_bytes();
  const std::vector<char> held(std::size_t{200} << 20, 'x');
  EXPECT_GT(held[held.size() / 2], 0);
  EXPECT_GT(before, std::uint64_t{1} << 20);
  EXPECT_GE(peak_rss_bytes(), std::uint64_t{200} << 20);
}

}  // namespace
}  // namespace elves
