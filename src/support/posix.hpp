#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "elves/error.hpp"

namespace elves {

/// An owned file descriptor.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

/// "text of errno" for a message.
std::string errno_text(int error);

/// Fills `out` from `offset_bytes`, retrying short reads. An Error where the file ends early or reading fails.
Result<void> pread_exactly(int fd, std::span<std::byte> out, std::uint64_t offset_bytes);

/// Writes all of `bytes` at `offset_bytes`, retrying short writes.
Result<void> pwrite_exactly(int fd, std::span<const std::byte> bytes, std::uint64_t offset_bytes);

/// The whole of a small file; an Error where it is larger than `limit_bytes`.
Result<std::string> read_small_file(const std::string& path, std::uint64_t limit_bytes);

/// Writes under a temporary name, fsyncs, renames over `path`, fsyncs the directory.
Result<void> write_file_durably(const std::string& path, std::string_view contents);

/// Renames without replacing; an Error where `to` exists.
Result<void> rename_no_replace(const std::string& from, const std::string& to);

Result<void> fsync_directory(const std::string& path);

/// Most memory that this process has held, in bytes (VmHWM).
std::uint64_t peak_rss_bytes();

}  // namespace elves
