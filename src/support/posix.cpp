#include "support/posix.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <utility>

#include "support/text.hpp"
#include "support/try.hpp"

namespace elves {

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

FileDescriptor::~FileDescriptor() {
  reset();
}

void FileDescriptor::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<void> FileDescriptor::close() {
  if (fd_ >= 0 && ::close(std::exchange(fd_, -1)) != 0) return Error{"close: " + errno_text(errno)};
  return {};
}

std::string errno_text(int error) {
  char text[256] = "";
  return ::strerror_r(error, text, sizeof text);
}

Result<void> pread_exactly(int fd, std::span<std::byte> out, std::uint64_t offset_bytes) {
  while (!out.empty()) {
    const auto n = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset_bytes));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{"read at byte " + std::to_string(offset_bytes) + ": " + errno_text(errno)};
    if (n == 0) return Error{"file ends at byte " + std::to_string(offset_bytes) + ", earlier than expected"};
    out = out.subspan(static_cast<std::size_t>(n));
    offset_bytes += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> pwrite_exactly(int fd, std::span<const std::byte> bytes, std::uint64_t offset_bytes) {
  while (!bytes.empty()) {
    const auto n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset_bytes));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{"write at byte " + std::to_string(offset_bytes) + ": " + errno_text(errno)};
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset_bytes += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{errno_text(errno)};
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::string> read_small_file(const std::string& path, std::uint64_t limit_bytes) {
  const FileDescriptor file(
      ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));  // O_NONBLOCK: a named pipe would wait for a writer
  if (!file) return Error{path + ": " + errno_text(errno)};
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return Error{path + ": " + errno_text(errno)};
  if (!S_ISREG(status.st_mode)) return Error{path + ": not a regular file"};
  if (static_cast<std::uint64_t>(status.st_size) > limit_bytes)
    return Error{path + ": larger than " + std::to_string(limit_bytes) + " bytes"};
  std::string contents(static_cast<std::size_t>(status.st_size), '\0');
  const auto done = pread_exactly(file.get(), std::as_writable_bytes(std::span(contents)), 0);
  if (!done) return Error{path + ": " + done.error().message};
  return contents;
}

namespace {

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

PendingFile::PendingFile(std::string path, std::string temporary, FileDescriptor file)
    : path_(std::move(path)), temporary_(std::move(temporary)), file_(std::move(file)) {}

PendingFile::PendingFile(PendingFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      file_(std::move(other.file_)),
      has_name_(other.has_name_) {}

PendingFile::~PendingFile() {
  if (!temporary_.empty() && !has_name_) ::unlink(temporary_.c_str());
}

Result<PendingFile> PendingFile::create(const std::string& path) {
  auto temporary = path + ".tmp-" + random_token();
  FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file) return Error{path + ": " + errno_text(errno)};
  return PendingFile(path, std::move(temporary), std::move(file));
}

Result<void> PendingFile::write(std::string_view contents) {
  auto done = pwrite_exactly(file_.get(), std::as_bytes(std::span(contents)), 0);
  if (done && ::fsync(file_.get()) != 0) done = Error{errno_text(errno)};
  if (done) done = file_.close();
  if (!done) return Error{temporary_ + ": " + done.error().message};
  return {};
}

Result<void> PendingFile::sync_folder() const {
  return fsync_directory(folder_of(path_));
}

Result<void> PendingFile::commit(std::string_view contents) {
  ELVES_CHECK(write(contents));
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return Error{path_ + ": " + errno_text(errno)};
  has_name_ = true;
  return sync_folder();
}

Result<void> PendingFile::commit_new(std::string_view contents) {
  ELVES_CHECK(write(contents));
  const auto renamed = rename_no_replace(temporary_, path_);
  has_name_ = renamed.has_value();
  if (!renamed && ::access(path_.c_str(), F_OK) != 0) return renamed;
  return sync_folder();
}

Result<void> create_file_durably(const std::string& path, std::string_view contents) {
  ELVES_TRY(auto file, PendingFile::create(path));
  return file.commit_new(contents);
}

bool lies_in(const std::string& path, const std::string& outer) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto absolute = fs::absolute(path, error);
  if (error) return false;
  const auto whole = fs::weakly_canonical(absolute, error);
  if (error) return false;
  for (auto folder = whole;; folder = folder.parent_path()) {
    if (fs::equivalent(folder, outer, error)) return true;
    if (folder == folder.parent_path()) return false;
  }
}

std::string random_token() {
  std::random_device source;
  const std::uint64_t random = (std::uint64_t{source()} << 32) | source();
  return to_hex(std::as_bytes(std::span(&random, 1)));
}

int open_regular_file(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return -1;
  if (S_ISREG(status.st_mode)) return file.release();
  errno = EINVAL;
  return -1;
}

Result<void> rename_no_replace(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  if (errno != EINVAL && errno != ENOSYS) return Error{to + ": " + errno_text(errno)};
  // The file system has no RENAME_NOREPLACE: a hard link does not replace either.
  if (::link(from.c_str(), to.c_str()) != 0) return Error{to + ": " + errno_text(errno)};
  ::unlink(from.c_str());
  return {};
}

Result<void> fsync_directory(const std::string& path) {
  const FileDescriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return Error{path + ": " + errno_text(errno)};
  // Some network file systems cannot sync a directory and say EINVAL: their renames are durable at the server.
  if (::fsync(folder.get()) != 0 && errno != EINVAL) return Error{path + ": " + errno_text(errno)};
  return {};
}

void advise_huge_pages(std::span<std::byte> memory) noexcept {
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  void* begin = memory.data();
  std::size_t n = memory.size();
  if (std::align(kHugePage, kHugePage, begin, n) == nullptr) return;
  (void)::madvise(begin, n / kHugePage * kHugePage, MADV_HUGEPAGE);  // kernels without it say EINVAL
}

std::uint64_t peak_rss_bytes() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    unsigned long long kib = 0;
    if (std::sscanf(line.c_str(), "VmHWM: %llu kB", &kib) == 1) return kib * 1024;
  }
  return 0;
}

}  // namespace elves
