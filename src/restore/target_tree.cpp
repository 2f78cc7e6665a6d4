#include "restore/target_tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>  // RENAME_NOREPLACE

#include "support/text.hpp"

namespace elves::restore {
namespace {

timespec mtime_of(const archive::FileRow& row) {
  return {static_cast<time_t>(row.mtime_seconds), static_cast<long>(row.mtime_nanoseconds)};
}

/// Owner as recorded where we may (root), else ours; mode after that, because chown clears set-user-ID bits.
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
  tree.token_ = random_token();  // ranks on other hosts may have our process number
  FileDescriptor folder(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return Error{root + ": " + errno_text(errno)};
  tree.root_ = std::make_shared<FileDescriptor>(std::move(folder));
  return tree;
}

Result<TargetTree::Folder> TargetTree::parent(const std::string& path, std::string& name, bool create) {
  if (!is_safe_path(path)) return Error{"unsafe path in the archive: nothing written"};
  const auto slash = path.rfind('/');
  name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (slash == std::string::npos) return root_;
  const auto folder = path.substr(0, slash);
  if (cached_ && folder == cached_path_) return cached_;
  FileDescriptor current;
  for (const auto& part : split(folder, '/')) {
    const int above = current ? current.get() : root_->get();
    if (create && ::mkdirat(above, part.c_str(), 0777) != 0 && errno != EEXIST)
      return Error{"folder " + printable(folder) + ": " + errno_text(errno)};
    FileDescriptor next(::openat(above, part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next)
      return Error{"folder " + printable(folder) + ": " +
                   (errno == ENOTDIR || errno == ELOOP ? "a link or a file is in its place" : errno_text(errno))};
    current = std::move(next);
  }
  cached_ = std::make_shared<FileDescriptor>(std::move(current));
  cached_path_ = folder;
  return cached_;
}

Result<void> TargetTree::make_directory(const std::string& path) {
  std::string name;
  const auto folder = parent(path, name, true);
  if (!folder) return folder.error();
  if (::mkdirat((*folder)->get(), name.c_str(), 0700) != 0 && errno != EEXIST) return Error{errno_text(errno)};
  return {};
}

Result<void> TargetTree::finish_directory(const std::string& path, const archive::FileRow& row) {
  std::string name;
  const auto folder = parent(path, name, false);
  if (!folder) return folder.error();
  const FileDescriptor self(::openat((*folder)->get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
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
  const auto folder = parent(path, name, true);
  if (!folder) return folder.error();
  const auto temporary = ".elves-link-" + token_;
  ::unlinkat((*folder)->get(), temporary.c_str(), 0);
  if (::symlinkat(text.c_str(), (*folder)->get(), temporary.c_str()) != 0) return Error{errno_text(errno)};
  if (auto done = publish((*folder)->get(), temporary, name); !done) return done;
  const timespec times[2] = {{0, UTIME_OMIT}, mtime_of(row)};
  (void)::utimensat((*folder)->get(), name.c_str(), times, AT_SYMLINK_NOFOLLOW);
  if (::geteuid() == 0) (void)!::fchownat((*folder)->get(), name.c_str(), row.uid, row.gid, AT_SYMLINK_NOFOLLOW);
  return {};
}

Result<void> TargetTree::make_hardlink(const std::string& path, const std::string& first_path) {
  std::string first_name;
  const auto first_folder = parent(first_path, first_name, false);
  if (!first_folder) return first_folder.error();
  std::string name;
  const auto folder = parent(path, name, true);
  if (!folder) return folder.error();
  const auto temporary = ".elves-link-" + token_;
  ::unlinkat((*folder)->get(), temporary.c_str(), 0);
  if (::linkat((*first_folder)->get(), first_name.c_str(), (*folder)->get(), temporary.c_str(), 0) != 0)
    return Error{errno_text(errno)};
  auto done = publish((*folder)->get(), temporary, name);
  ::unlinkat((*folder)->get(), temporary.c_str(), 0);  // rename() of two names of one file does nothing
  return done;
}

Result<TargetFile> TargetTree::begin_file(const std::string& path) {
  std::string name;
  auto folder = parent(path, name, true);
  if (!folder) return folder.error();
  TargetFile file(*folder, std::move(name), ".elves-file-" + token_ + "-" + std::to_string(n_files_++));
  file.file_ = FileDescriptor(
      ::openat((*folder)->get(), file.temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.file_) return Error{errno_text(errno)};
  return file;
}

Result<void> TargetTree::commit_file(TargetFile file, const archive::FileRow& row) const {
  if (auto done = set_metadata(file.file_.get(), row); !done) return done;
  if (auto closed = file.file_.close(); !closed) return closed;
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
