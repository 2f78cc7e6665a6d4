#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

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
  int release() noexcept { return std::exchange(fd_, -1); }
  void reset() noexcept;
  /// Closes. An Error if the file system reports a write error at this point (NFS, quotas).
  Result<void> close();

 private:
  int fd_ = -1;
};

/// "text of errno" for a message.
std::string errno_text(int error);

/// Opens for reading, without following a link in the last part or waiting for a writer of a named pipe. A descriptor
/// of -1 with errno set where it is no regular file.
int open_regular_file(const std::string& path);

/// Fills `out` from `offset_bytes`, retrying short reads. An Error where the file ends early or reading fails.
Result<void> pread_exactly(int fd, std::span<std::byte> out, std::uint64_t offset_bytes);

/// Writes all of `bytes` at `offset_bytes`, retrying short writes.
Result<void> pwrite_exactly(int fd, std::span<const std::byte> bytes, std::uint64_t offset_bytes);

/// Writes all of `bytes` where the descriptor stands (a pipe, a terminal, a file), retrying short writes.
Result<void> write_all(int fd, std::string_view bytes);

/// The contents of a small file. An Error if it is larger than `limit_bytes`.
Result<std::string> read_small_file(const std::string& path, std::uint64_t limit_bytes);

/// A file that is created under a temporary name beside its path, and gets its name when it is complete. Without
/// commit() nothing is left of it.
class PendingFile {
 public:
  /// Creates the temporary file: an Error where `path` cannot be written.
  static Result<PendingFile> create(const std::string& path);
  PendingFile(PendingFile&& other) noexcept;
  PendingFile& operator=(PendingFile&&) = delete;
  ~PendingFile();

  /// Writes, fsyncs, renames over the path, and fsyncs the directory. At most once.
  Result<void> commit(std::string_view contents);
  /// The same, but keeps an existing file, which is no error.
  Result<void> commit_new(std::string_view contents);

 private:
  PendingFile(std::string path, std::string temporary, FileDescriptor file);
  Result<void> write(std::string_view contents);
  Result<void> sync_folder() const;

  std::string path_;
  std::string temporary_;
  FileDescriptor file_;
  bool has_name_ = false;
};

/// A PendingFile, created and committed at once with commit_new().
Result<void> create_file_durably(const std::string& path, std::string_view contents);

/// 16 random hexadecimal digits, unique to this process: for temporary names.
std::string random_token();

/// Renames without replacing; an Error where `to` exists.
Result<void> rename_no_replace(const std::string& from, const std::string& to);

Result<void> fsync_directory(const std::string& path);

/// Requests huge pages for memory that has not been touched yet: page faults on small pages cost more than a copy. A
/// hint to the kernel.
void advise_huge_pages(std::span<std::byte> memory) noexcept;

/// Whether `path`, which need not exist, is the folder `outer` or lies in it. Compares folders and not names, so that
/// links and relative paths do not matter. False where `outer` does not exist.
bool lies_in(const std::string& path, const std::string& outer);

/// Peak resident memory of this process, in bytes (VmHWM).
std::uint64_t peak_rss_bytes();

}  // namespace elves
