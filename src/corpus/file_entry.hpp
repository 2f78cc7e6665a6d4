#pragma once

#include <cstdint>
#include <string>

namespace elves::corpus {

/// Stored in archives: never renumbered.
enum class FileKind : std::uint8_t { Regular = 0, Symlink = 1, Hardlink = 2, Directory = 3 };

/// Regular files and further names of them have content of their own; links and folders have none.
constexpr bool has_content(FileKind kind) { return kind == FileKind::Regular || kind == FileKind::Hardlink; }

/// One path of the corpus, as the walk found it.
struct FileEntry {
  std::string path;  ///< relative to the corpus, "/" between folders, any bytes but NUL
  FileKind kind = FileKind::Regular;
  std::uint32_t mode = 0;  ///< permission bits (07777)
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int64_t mtime_seconds = 0;
  std::uint32_t mtime_nanoseconds = 0;
  std::int64_t ctime_seconds = 0;  ///< of the inode's last change: not kept, tells whether a file changed while it was read
  std::uint32_t ctime_nanoseconds = 0;
  std::uint64_t size_bytes = 0;  ///< 0 unless Regular or Hardlink
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::string target;  ///< Symlink: its text. Hardlink: path of the first file of this inode in corpus order
};

/// A path that could not be archived, and why. Becomes a row of the report's `failures`.
struct PathProblem {
  std::string path;
  std::string reason;
};

}  // namespace elves::corpus
