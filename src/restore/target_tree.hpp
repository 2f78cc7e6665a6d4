#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "archive/tables.hpp"
#include "elves/error.hpp"
#include "formats/byte_source.hpp"
#include "support/posix.hpp"

namespace elves::restore {

/// True for a path that stays below a directory: relative, no empty, "." or ".." part, no NUL.
bool is_safe_path(std::string_view path);

/// A file of a TargetTree that is being written under a temporary name. Removed by the destructor unless committed.
class TargetFile {
 public:
  TargetFile(TargetFile&& other) noexcept = default;
  TargetFile& operator=(TargetFile&&) = delete;
  ~TargetFile();

  /// Any thread.
  Result<void> write(std::span<const std::byte> bytes, std::uint64_t offset_bytes) const;
  /// Reads the bytes that were written so far.
  formats::FileSource written(std::uint64_t size_bytes) const { return {file_.get(), size_bytes}; }

 private:
  friend class TargetTree;
  TargetFile(std::shared_ptr<const FileDescriptor> folder, std::string name, std::string temporary)
      : folder_(std::move(folder)), name_(std::move(name)), temporary_(std::move(temporary)) {}

  std::shared_ptr<const FileDescriptor> folder_;
  std::string name_;
  std::string temporary_;
  FileDescriptor file_;
};

/// The directory that a restore writes to. Each access opens the folders of a path one by one from the root and follows
/// no symbolic link, so that no archive, not even a forged one, can write outside. Paths are as in the archive; an
/// unsafe one is an Error.
class TargetTree {
 public:
  static Result<TargetTree> open(const std::string& root, bool replace);

  /// Creates a directory, with mode 0700 until finish_directory(), and its parents with the default mode.
  Result<void> make_directory(const std::string& path);
  Result<void> finish_directory(const std::string& path, const archive::FileRow& row);

  Result<void> make_symlink(const std::string& path, const std::string& text, const archive::FileRow& row);
  /// Another name for a file of this tree that was restored before.
  Result<void> make_hardlink(const std::string& path, const std::string& first_path);

  /// Creates the file under a temporary name.
  Result<TargetFile> begin_file(const std::string& path);
  /// After the last write: sets mode, owner and time, then gives the file its name.
  Result<void> commit_file(TargetFile file, const archive::FileRow& row) const;

  /// Flushes all that was written to disk (syncfs). An Error also for earlier writes that failed in the background.
  Result<void> sync() const;

 private:
  using Folder = std::shared_ptr<const FileDescriptor>;

  /// Opens the parent of `path`, where `create` also makes its folders; `name` is the last part of the path. The last
  /// parent stays open.
  Result<Folder> parent(const std::string& path, std::string& name, bool create);
  Result<void> publish(int folder, const std::string& temporary, const std::string& name) const;

  std::string token_;  ///< part of temporary names, different on each rank
  std::uint64_t n_files_ = 0;
  bool replace_ = false;
  Folder root_;
  std::string cached_path_;
  Folder cached_;  ///< the folder at cached_path_
};

}  // namespace elves::restore
