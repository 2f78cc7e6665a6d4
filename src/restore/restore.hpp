#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archive/archive_dir.hpp"
#include "mpi/comm.hpp"
#include "restore/selection.hpp"
#include "support/file_kind.hpp"

namespace elves::restore {

struct RestoreOptions {
  Selection selection;
  std::string to;
  bool force = false;  ///< replace what exists
  int threads = 1;
};

struct RestoreSummary {
  std::uint64_t paths = 0;             ///< restored, of all kinds, over all ranks; also the next four
  std::uint64_t bytes = 0;             ///< of files
  std::uint64_t exact_files = 0;       ///< files that are bit for bit what was archived
  std::uint64_t bounded_files = 0;     ///< files with layers that are within their recorded error bounds
  std::uint64_t shared_chunks = 0;     ///< times that a chunk of a base was decoded
  std::vector<std::string> unmatched;  ///< selections that match nothing, on all ranks
  std::vector<PathProblem> problems;   ///< of this rank: paths that were not restored
};

/// Collective. Restores the selected files, in parallel over files: content (checked against the recorded digests as it
/// is written), mode, mtime, owner where root, symbolic and hard links, folders. A file appears under its name only
/// when it is whole and checked. Never follows links out of `to`, never replaces without `force`. A damaged file is a
/// problem, the others go on. Throws Failure on all ranks together where `to` is not empty (without `force`), nothing
/// is selected, or the archive cannot be read. Where shards are missing, what the others hold is restored, which may be
/// older versions.
RestoreSummary restore(const mpi::Comm& comm, const archive::ArchiveDir& directory, const RestoreOptions& options);

}  // namespace elves::restore
