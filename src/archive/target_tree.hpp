#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "archive/layout.hpp"
#include "corpus/container.hpp"
#include "elves/error.hpp"
#include "support/posix.hpp"

namespace elves::archive {

/// True for a path that stays below a directory: relative, no empty, "." or ".." part, no NUL.
bool is_safe_path(std::string_view path);

/// The directory that a restore writes to. Every access walks down from the root without following a symbolic link, so
/// that no archive, however made, can write outside. Paths are as in the archive; an unsafe one is an Error.
class TargetTree {
 public:
  static Result<TargetTree> open(const std::string& root, bool replace);

  /// Creates a directory, 0700 until finish_directory(), and its parents as mkdir would.
  Result<void> make_directory(const std::string& path);
  Result<void> finish_directory(const std::string& path, const FileRow& row);

  Result<void> make_symlink(const std::string& path, const std::string& text, const FileRow& row);
  /// Another name for a file of this tree that was restored before.
  Result<void> make_hardlink(const std::string& path, const std::string& first_path);

  /// One file at a time: begin_file, write_file, then commit_file (mode, owner, time, rename to its name) or drop_file.
  Result<void> begin_file(const std::string& path);
  Result<void> write_file(std::span<const std::byte> bytes, std::uint64_t offset_bytes);
  /// What was written so far, for as long as the file is open.
  corpus::FileSource written(std::uint64_t size_bytes) const { return {file_.get(), size_bytes}; }
  Result<void> commit_file(const FileRow& row);
  void drop_file() noexcept;

  /// Brings all that was written to the disk (syncfs), and tells of write errors that the kernel found out late.
  Result<void> sync() const;

 private:
  /// Opens the parent of `path`, creating folders on the way; `name` is its last part. The last parent stays open.
  Result<int> parent(const std::string& path, std::string& name, bool create);
  Result<void> publish(int folder, const std::string& temporary, const std::string& name) const;

  std::string token_;  ///< of temporary names: no other rank has it
  bool replace_ = false;
  FileDescriptor root_;
  std::string cached_path_;
  FileDescriptor cached_;
  int file_folder_ = -1;  ///< root_ or cached_: valid until the next call that takes a path
  std::string file_name_;
  std::string temporary_;
  FileDescriptor file_;
};

}  // namespace elves::archive
