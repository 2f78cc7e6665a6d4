#include "restore/target_tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>  // RENAME_NOREPLACE

#include <fmt/format.h>

#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::restore {
namespace {

timespec mtime_of(const archive::FileRow& row) {
  return {static_cast<time_t>(row.mtime_seconds), static_cast<long>(row.mtime_nanoseconds)};
}

/// Sets the owner only as root. The mode comes after it, because chown clears set-user-ID bits.
Result<void> set_metadata(int fd, const archive::FileRow& row) {
  if (::geteuid() == 0 && ::fchown(fd, row.uid, row.gid) != 0) return Error{"owner: " + errno_text(errno)};
  if (::fchmod(fd, row.mode & 07777) != 0) return Error{"mode: " + errno_text(errno)};
  const timespec times[2] = {{0, UTIME_OMIT}, mtime_of(row)};
  if (::futimens(fd, times) != 0) return Error{"mtime: " + errno_text(errno)};
  return {};
}

}  // namespace

bool is_safe_path(std::string_view path) {
  if (path.empty() || path.find('\0') != std::string_view::npos) return false;
  for (const auto& part : split(path, '/')) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return true;
}

Result<TargetTree> TargetTree::open(const std::string& root, bool replace) {
  TargetTree tree;
  tree.replace_ = replace;
  tree.token_ = random_token();  // not the process number: ranks on other hosts may have the same
  FileDescriptor folder(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return Error{fmt::format("{}: {}", root, errno_text(errno))};
  tree.root_ = std::make_shared<FileDescriptor>(std::move(folder));
  return tree;
}

Result<TargetTree::Folder> TargetTree::parent(const std::string& path, std::string& name, bool create) {
  if (!is_safe_path(path)) return Error{"unsafe path in the archive: nothing was written"};
  const auto slash = path.rfind('/');
  name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (slash == std::string::npos) return root_;
  const auto folder = path.substr(0, slash);
  if (cached_ && folder == cached_path_) return cached_;
  FileDescriptor current;
  for (const auto& part : split(folder, '/')) {
    const int above = current ? current.get() : root_->get();
    if (create && ::mkdirat(above, part.c_str(), 0777) != 0 && errno != EEXIST)
      return Error{fmt::format("folder {}: {}", printable(folder), errno_text(errno))};
    FileDescriptor next(::openat(above, part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) {
      const bool is_other = errno == ENOTDIR || errno == ELOOP;
      return Error{fmt::format("folder {}: {}", printable(folder),
                               is_other ? "a link or a file is in its place" : errno_text(errno))};
    }
    current = std::move(next);
  }
  cached_ = std::make_shared<FileDescriptor>(std::move(current));
  cached_path_ = folder;
  return cached_;
}

Result<void> TargetTree::make_directory(const std::string& path) {
  std::string name;
  ELVES_TRY(const auto folder, parent(path, name, true));
  if (::mkdirat(folder->get(), name.c_str(), 0700) != 0 && errno != EEXIST) return Error{errno_text(errno)};
  return {};
}

Result<void> TargetTree::finish_directory(const std::string& path, const archive::FileRow& row) {
  std::string name;
  ELVES_TRY(const auto folder, parent(path, name, false));
  const FileDescriptor self(::openat(folder->get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!self) return Error{errno_text(errno)};
  return set_metadata(self.get(), row);
}

Result<void> TargetTree::publish(int folder, const std::string& temporary, const std::string& name) const {
  const int flags = replace_ ? 0 : RENAME_NOREPLACE;
  if (::renameat2(folder, temporary.c_str(), folder, name.c_str(), flags) == 0) return {};
  int why = errno;
  if (why == EINVAL && !replace_) {  // a file system without RENAME_NOREPLACE
    if (::linkat(folder, temporary.c_str(), folder, name.c_str(), 0) == 0) {
      ::unlinkat(folder, temporary.c_str(), 0);
      return {};
    }
    why = errno;
  }
  ::unlinkat(folder, temporary.c_str(), 0);
  return Error{why == EEXIST ? "exists: --force replaces it" : errno_text(why)};
}

Result<void> TargetTree::make_symlink(const std::string& path, const std::string& text, const archive::FileRow& row) {
  std::string name;
  ELVES_TRY(const auto folder, parent(path, name, true));
  const auto temporary = ".elves-link-" + token_;
  ::unlinkat(folder->get(), temporary.c_str(), 0);
  if (::symlinkat(text.c_str(), folder->get(), temporary.c_str()) != 0) return Error{errno_text(errno)};
  ELVES_CHECK(publish(folder->get(), temporary, name));
  const timespec times[2] = {{0, UTIME_OMIT}, mtime_of(row)};
  (void)::utimensat(folder->get(), name.c_str(), times, AT_SYMLINK_NOFOLLOW);
  if (::geteuid() == 0) (void)!::fchownat(folder->get(), name.c_str(), row.uid, row.gid, AT_SYMLINK_NOFOLLOW);
  return {};
}

Result<void> TargetTree::make_hardlink(const std::string& path, const std::string& first_path) {
  std::string first_name;
  ELVES_TRY(const auto first_folder, parent(first_path, first_name, false));
  std::string name;
  ELVES_TRY(const auto folder, parent(path, name, true));
  const auto temporary = ".elves-link-" + token_;
  ::unlinkat(folder->get(), temporary.c_str(), 0);
  if (::linkat(first_folder->get(), first_name.c_str(), folder->get(), temporary.c_str(), 0) != 0)
    return Error{errno_text(errno)};
  auto done = publish(folder->get(), temporary, name);
  ::unlinkat(folder->get(), temporary.c_str(), 0);  // rename() does nothing where both names are of one file
  return done;
}

Result<TargetFile> TargetTree::begin_file(const std::string& path) {
  std::string name;
  ELVES_TRY(const auto folder, parent(path, name, true));
  TargetFile file(folder, std::move(name), fmt::format(".elves-file-{}-{}", token_, n_files_++));
  file.file_ = FileDescriptor(
      ::openat(folder->get(), file.temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.file_) return Error{errno_text(errno)};
  return file;
}

Result<void> TargetTree::commit_file(TargetFile file, const archive::FileRow& row) const {
  ELVES_CHECK(set_metadata(file.file_.get(), row));
  ELVES_CHECK(file.file_.close());
  const auto folder = std::exchange(file.folder_, nullptr);
  return publish(folder->get(), file.temporary_, file.name_);
}

Result<void> TargetTree::sync() const {
  if (::syncfs(root_->get()) != 0) return Error{"sync: " + errno_text(errno)};
  return {};
}

TargetFile::~TargetFile() {
  if (folder_) ::unlinkat(folder_->get(), temporary_.c_str(), 0);
}

Result<void> TargetFile::write(std::span<const std::byte> bytes, std::uint64_t offset_bytes) const {
  return pwrite_exactly(file_.get(), bytes, offset_bytes);
}

}  // namespace elves::restore
