#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archive/archive_dir.hpp"
#include "archive/tables.hpp"
#include "corpus/file_entry.hpp"
#include "mpi/comm.hpp"

namespace elves::restore {

struct VerifySummary {
  std::uint64_t shards = 0, layers = 0, chunks = 0, files = 0;  ///< checked, over all ranks
  std::uint64_t deltas = 0;                                     ///< layers that have a base
  std::uint64_t shared_chunks = 0;                              ///< how often a base chunk was decoded
  std::uint64_t decoded_bytes = 0;
  std::uint64_t compared_bytes = 0;      ///< with the corpus
  std::uint64_t exact_files = 0;         ///< regular files without differences that are stored bit for bit
  std::uint64_t bounded_files = 0;       ///< the same of those that are stored within a recorded bound
  double max_abs_error = 0;              ///< the largest that was measured while comparing
  std::vector<PathProblem> differences;  ///< of this rank

  /// Counts a file without differences.
  void count_good(const archive::FileRow& file);
  /// Collective. Counters of all ranks, on all ranks.
  void add_up(const mpi::Comm& comm);
};

/// Collective. Checks all that an archive holds: rows, checksums of chunks, the decoded digest of every layer,
/// references to bases, extents that partition their files, digests of files. Shards are dealt to ranks in turn. Deltas
/// of the same base are checked side by side, so that a rank decodes each base once for them.
VerifySummary verify(const mpi::Comm& comm, const archive::ArchiveDir& directory, int threads);

/// Not collective. An Error where `corpus` is not a directory that can be read.
Result<void> check_corpus(const std::string& corpus);

/// Collective. Compares the latest version of every path with the tree below `corpus`: kind, size, mode, link target;
/// content bit for bit, or within the recorded bound where a layer was stored with loss. Paths that only one side has
/// are differences.
VerifySummary verify_against(const mpi::Comm& comm, const archive::ArchiveDir& directory, const std::string& corpus,
                             int threads);

}  // namespace elves::restore
