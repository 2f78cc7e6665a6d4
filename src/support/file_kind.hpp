#pragma once

#include <cstdint>
#include <string>

namespace elves {

/// What a path is. Stored in archives.
enum class FileKind : std::uint8_t { Regular = 0, Symlink = 1, Hardlink = 2, Directory = 3 };

/// Regular files and hard links have content of their own; symbolic links and directories have none.
constexpr bool has_content(FileKind kind) {
  return kind == FileKind::Regular || kind == FileKind::Hardlink;
}

/// A path that could not be archived or restored, and why. One row of `failures` in the report.
struct PathProblem {
  std::string path;
  std::string reason;
};

}  // namespace elves
