#pragma once

#include <cstdint>
#include <string>

#include "support/file_kind.hpp"

namespace elves::corpus {

/// One path of the corpus.
struct FileEntry {
  std::string path;  ///< relative to the corpus, "/" between folders, any bytes but NUL
  FileKind kind = FileKind::Regular;
  std::uint32_t mode = 0;  ///< permission bits (07777)
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int64_t mtime_seconds = 0;
  std::uint32_t mtime_nanoseconds = 0;
  /// Last change of the inode. Not stored: shows whether a file changed while it was read.
  std::int64_t ctime_seconds = 0;
  std::uint32_t ctime_nanoseconds = 0;
  std::uint64_t size_bytes = 0;  ///< 0 unless Regular or Hardlink
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::string linked_model;  ///< of a shared blob: the model that links to it (assign_shared_blobs); else empty
  std::string target;        ///< Symlink: its text. Hardlink: first path of its inode in corpus order
};

}  // namespace elves::corpus
