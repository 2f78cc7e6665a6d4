#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "corpus/file_entry.hpp"
#include "elves/dtype.hpp"
#include "formats/extent.hpp"
#include "mpi/comm.hpp"
#include "support/hash.hpp"
#include "support/known_file.hpp"
#include "support/loss_id.hpp"

namespace elves::plan {

/// A checksum of kind, size, mtime, mode, owner and link target. A path is archived again if it has changed.
std::uint64_t state_of(const corpus::FileEntry& entry);

/// What a sweep has to archive.
struct NewEntries {
  std::vector<corpus::FileEntry> entries;
  /// Bytes of the files that come before the first of these entries in corpus order, over all ranks.
  std::uint64_t bytes_before = 0;
};

/// Collective. Drops the entries that the archive holds in their present state, and returns the others in the same
/// order. `entries`: the walk's, in corpus order. `archived`: the archive's current rows, any part on any rank. An
/// entry whose archived copy is not exact is dropped only if its loss is `allowed`. Three exchanges: 32 bytes a row, 25
/// an entry. During the call a rank holds its part of the archive's paths.
NewEntries drop_archived(const mpi::Comm& comm, std::vector<corpus::FileEntry> entries,
                         std::span<const KnownFile> archived, const KeyedHash& hash, LossId allowed);

/// A file to archive, with its extents.
struct PlannedFile {
  corpus::FileEntry entry;
  formats::ParsedFile parsed;
  std::uint64_t wave = 0;  ///< the wave in which its last unit ends: its row is committed there
  std::size_t first_unit = 0;
  std::size_t n_units = 0;
};

/// The unit of deduplication: an extent, or a part of an extent that is larger than `part_bytes`. Parts are whole
/// chunks.
struct Unit {
  std::size_t file = 0;    ///< of Plan::files
  std::size_t extent = 0;  ///< of the file
  std::uint32_t part = 0;
  std::uint32_t n_parts = 1;
  DType dtype = DType::Bytes;
  std::uint64_t offset_bytes = 0;  ///< in the file
  std::uint64_t size_bytes = 0;
  std::uint64_t corpus_offset_bytes = 0;  ///< counting the bytes to archive of all ranks
  std::uint64_t wave = 0;
};

struct PlanOptions {
  std::uint64_t wave_bytes = 0;
  std::uint64_t part_bytes = 0;  ///< at most wave_bytes
  /// NewEntries::bytes_before. The first wave is shorter, so that it ends where it would end if these bytes were
  /// archived by this sweep: a sweep that continues an interrupted one has the same waves.
  std::uint64_t bytes_before = 0;
};

/// This rank's part of the plan of a sweep: a contiguous part of the files in corpus order, and their units in order.
struct Plan {
  std::vector<PlannedFile> files;
  std::vector<Unit> units;
  std::uint64_t n_waves = 0;      ///< the same on all ranks
  std::uint64_t total_bytes = 0;  ///< over all ranks
};

/// Collective. Cuts files into units, and the sweep into waves of at most wave_bytes + part_bytes: the windows of
/// wave_bytes in which at least one unit begins. Depends on the files and options only, not on the number of ranks.
Plan make_plan(const mpi::Comm& comm, std::vector<PlannedFile> files, const PlanOptions& options);

/// A run of chunks of one unit that one rank reads and encodes.
struct Share {
  std::size_t unit = 0;  ///< of Plan::units
  std::uint32_t first_chunk = 0;
  std::uint32_t n_chunks = 0;
};

/// Number of chunks of a unit; 0 for a unit of 0 bytes.
std::uint32_t chunks_of(DType dtype, std::uint64_t unit_bytes);

/// A byte range of a unit.
struct ByteRange {
  std::uint64_t offset_bytes = 0;
  std::uint32_t size_bytes = 0;
};
/// Of a chunk in its unit.
ByteRange range_of_chunk(DType dtype, std::uint64_t unit_bytes, std::uint32_t chunk);

/// Collective. Divides the chunks of a wave among the ranks, which read and encode them: contiguous runs of about equal
/// bytes, in corpus order. Element r lists the shares of this rank's units for rank r. Leaves out units of the files
/// that `skip_file` marks. Two reductions.
mpi::PerRank<Share> partition(const mpi::Comm& comm, const Plan& plan, std::uint64_t wave,
                              const std::vector<bool>& skip_file);

}  // namespace elves::plan
