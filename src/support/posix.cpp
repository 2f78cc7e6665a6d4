#include "support/posix.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <utility>

#include "support/text.hpp"

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

/// Writes and fsyncs a file of a name beside `path`; returns that name.
Result<std::string> write_temporary(const std::string& path, std::string_view contents) {
  const std::string temporary = path + ".tmp-" + random_token();
  FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file) return Error{temporary + ": " + errno_text(errno)};
  auto done = pwrite_exactly(file.get(), std::as_bytes(std::span(contents)), 0);
  if (done && ::fsync(file.get()) != 0) done = Error{errno_text(errno)};
  if (done) done = file.close();
  if (done) return temporary;
  ::unlink(temporary.c_str());
  return Error{temporary + ": " + done.error().message};
}

}  // namespace

Result<void> write_file_durably(const std::string& path, std::string_view contents) {
  const auto temporary = write_temporary(path, contents);
  if (!temporary) return temporary.error();
  if (::rename(temporary->c_str(), path.c_str()) != 0) {
    const auto why = errno_text(errno);
    ::unlink(temporary->c_str());
    return Error{path + ": " + why};
  }
  return fsync_directory(folder_of(path));
}

Result<void> create_file_durably(const std::string& path, std::string_view contents) {
  const auto temporary = write_temporary(path, contents);
  if (!temporary) return temporary.error();
  const auto renamed = rename_no_replace(*temporary, path);
  if (!renamed) {
    ::unlink(temporary->c_str());
    if (::access(path.c_str(), F_OK) != 0) return renamed;
  }
  return fsync_directory(folder_of(path));
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
