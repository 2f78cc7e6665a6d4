#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archive/directory.hpp"
#include "corpus/file_entry.hpp"
#include "mpi/comm.hpp"

namespace elves::restore {

struct VerifySummary {
  std::uint64_t shards = 0, layers = 0, chunks = 0, files = 0;  ///< checked, over all ranks
  std::uint64_t references = 0;                                 ///< of layers to the bases that they rest on
  std::uint64_t shared_chunks = 0;  ///< times that a chunk was decoded which others are differences from
  std::uint64_t decoded_bytes = 0;
  std::uint64_t compared_bytes = 0;      ///< against the corpus
  double max_abs_error = 0;              ///< of any lossy layer compared, measured now
  std::vector<PathProblem> differences;  ///< of this rank

  /// Collective. Counters of all ranks, on all ranks.
  void add_up(const mpi::Comm& comm);
};

/// Collective. Checks all an archive holds: rows, checksums of chunks, every layer decoded once and held against its
/// recorded digest, references to bases, extents that partition their files, file digests. Shards are dealt to ranks in
/// turn; layers that rest on the same base are checked side by side, so that a rank decodes each base once for them.
VerifySummary verify(const mpi::Comm& comm, const archive::Directory& directory, int threads);

/// Collective. Holds the latest version of every path against the tree below `corpus`: kind, size, mode, link target;
/// content bit for bit, or within the recorded bound where a layer was coded with loss. Paths that only one side
/// has are differences.
VerifySummary verify_against(const mpi::Comm& comm, const archive::Directory& directory, const std::string& corpus,
                             int threads);

}  // namespace elves::restore
