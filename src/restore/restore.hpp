#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archive/catalog.hpp"
#include "corpus/file_entry.hpp"
#include "mpi/comm.hpp"

namespace elves::restore {

struct RestoreOptions {
  archive::Selection selection;
  std::string to;
  bool force = false;  ///< replace what exists
  int threads = 1;
};

struct RestoreSummary {
  std::uint64_t files = 0;  ///< of all kinds, over all ranks
  std::uint64_t bytes = 0;
  std::uint64_t shared_chunks = 0;    ///< times that a chunk was decoded which others are differences from
  std::vector<PathProblem> problems;  ///< of this rank
};

/// Collective. Restores the latest version of every selected path, in parallel over files: content (checked against the
/// recorded digests as it is written), mode, mtime, owner where root, symbolic and hard links, folders. A file appears
/// under its name only when it is whole and checked. Never follows links out of `to`, never replaces without `force`.
/// A damaged file is a problem, the others go on. Throws Failure on all ranks together where `to` is not empty (without
/// `force`), nothing is selected, or the archive cannot be read.
RestoreSummary restore(const mpi::Comm& comm, const archive::Directory& directory, const RestoreOptions& options);

}  // namespace elves::restore
