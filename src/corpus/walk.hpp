#pragma once

#include <string>
#include <vector>

#include "corpus/file_entry.hpp"
#include "mpi/comm.hpp"
#include "support/glob.hpp"

namespace elves::corpus {

struct WalkOptions {
  PathFilter filter;                    ///< --include and --exclude, on paths relative to the root
  std::vector<std::string> files_from;  ///< if not empty: only these paths (a folder includes everything below it)
};

struct WalkResult {
  std::vector<FileEntry> entries;     ///< this rank's part, in corpus order
  std::vector<PathProblem> problems;  ///< found by this rank: unreadable folders, special files, vanished files
  /// Of all ranks together: "--include GLOB" if it matches no path that is not excluded (at rank 0), and "--files-from
  /// PATH" if there is no such path (at one rank).
  std::vector<PathProblem> unmatched;
};

/// Collective. Walks the tree below `root`; a folder is listed by the rank that its path hashes to. Symbolic links are
/// entries and never followed. Sockets, pipes and devices are problems. The first name of an inode in corpus order is a
/// Regular entry; its other names are Hardlink entries.
/// Corpus order is the order of the bytes of the paths. The entries of rank r come before those of rank r + 1, and
/// ranks hold about equal numbers of entries: no rank holds the whole list. The concatenation over ranks is the same
/// for every number of ranks. Throws Failure on all ranks if `root` is missing, no directory, or unreadable.
WalkResult walk(const mpi::Comm& comm, const std::string& root, const WalkOptions& options);

}  // namespace elves::corpus
