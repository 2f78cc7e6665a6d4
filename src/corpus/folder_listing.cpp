#include "corpus/folder_listing.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <utility>

#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::corpus {
namespace {

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

Result<FileDescriptor> open_one(int folder, const char* path) {
  FileDescriptor opened(::openat(folder, path, kFolderFlags));
  if (!opened) return Error{errno_text(errno)};
  return opened;
}

Result<std::string> read_link(int folder, const std::string& name, std::size_t expected_bytes) {
  // The size from stat is only a hint: it is 0 in /proc, and the link may change meanwhile.
  std::string target(expected_bytes + 1, '\0');
  for (;;) {
    const auto n = ::readlinkat(folder, name.c_str(), target.data(), target.size());
    if (n < 0) return Error{errno_text(errno)};
    if (static_cast<std::size_t>(n) < target.size()) {
      target.resize(static_cast<std::size_t>(n));
      return target;
    }
    target.resize(target.size() * 2);
  }
}

void close_stream(DIR* stream) {
  ::closedir(stream);
}

const char* special_kind(mode_t mode) {
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISFIFO(mode)) return "a named pipe";
  if (S_ISCHR(mode)) return "a character device";
  if (S_ISBLK(mode)) return "a block device";
  return "a special file";
}

}  // namespace

std::string join(std::string_view folder, std::string_view name) {
  std::string path(folder);
  if (!path.empty()) path += '/';
  path += name;
  return path;
}

Result<FileDescriptor> open_folder(int root, const std::string& path, bool every_step) {
  if (path.empty()) return open_one(root, ".");
  if (!every_step && path.size() < PATH_MAX) return open_one(root, path.c_str());
  FileDescriptor at;
  for (const auto& name : split(path, '/')) {
    ELVES_TRY(auto next, open_one(at ? at.get() : root, name.c_str()));
    at = std::move(next);
  }
  return at;
}

Listing list_names(int folder) {
  const int copy = ::fcntl(folder, F_DUPFD_CLOEXEC, 0);  // the stream closes it
  const std::unique_ptr<DIR, void (*)(DIR*)> stream(copy < 0 ? nullptr : ::fdopendir(copy), close_stream);
  if (!stream) return {.names = {}, .complete = Error{errno_text(errno)}};
  Listing listing;
  for (;;) {
    errno = 0;
    const auto* row = ::readdir(stream.get());
    if (row == nullptr) break;
    if (std::strcmp(row->d_name, ".") != 0 && std::strcmp(row->d_name, "..") != 0)
      listing.names.emplace_back(row->d_name);
  }
  if (errno != 0) listing.complete = Error{fmt::format("not all of it could be listed: {}", errno_text(errno))};
  return listing;
}

Result<FoundPath> look_at(int folder, const std::string& name, std::string path) {
  struct stat status {};
  if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return Error{errno_text(errno)};
  FoundPath found;
  auto& entry = found.entry;
  entry.path = std::move(path);
  entry.mode = status.st_mode & 07777;
  entry.uid = status.st_uid;
  entry.gid = status.st_gid;
  entry.mtime_seconds = status.st_mtim.tv_sec;
  entry.mtime_nanoseconds = static_cast<std::uint32_t>(status.st_mtim.tv_nsec);
  entry.ctime_seconds = status.st_ctim.tv_sec;
  entry.ctime_nanoseconds = static_cast<std::uint32_t>(status.st_ctim.tv_nsec);
  entry.device = status.st_dev;
  entry.inode = status.st_ino;
  if (S_ISDIR(status.st_mode)) {
    entry.kind = FileKind::Directory;
  } else if (S_ISREG(status.st_mode)) {
    entry.kind = FileKind::Regular;
    entry.size_bytes = static_cast<std::uint64_t>(status.st_size);
    found.has_other_names = status.st_nlink > 1;
  } else if (S_ISLNK(status.st_mode)) {
    entry.kind = FileKind::Symlink;
    ELVES_TRY(auto target, read_link(folder, name, static_cast<std::size_t>(status.st_size)));
    entry.target = std::move(target);
  } else {
    return Error{fmt::format("{}: not archived", special_kind(status.st_mode))};
  }
  return found;
}

}  // namespace elves::corpus
