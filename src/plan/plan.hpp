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
#include "support/loss_id.hpp"

namespace elves::plan {

/// What the archive says of one path (by its keyed hash); `state` is state_of() of the entry as it was archived.
struct ArchivedFile {
  Hash128 path;
  std::uint64_t state = 0;
  LossId loss;  ///< of its layers: exact if restore gives the original bits
  std::uint32_t reserved = 0;
};

/// Kind, size, mtime, mode, owner and link target in one number: what must be equal for a file to count as archived.
std::uint64_t state_of(const corpus::FileEntry& entry);

/// What a sweep has to archive.
struct NewEntries {
  std::vector<corpus::FileEntry> entries;
  /// Bytes of the files that come before the first of these entries in corpus order, over all ranks.
  std::uint64_t bytes_before = 0;
};

/// Collective. The entries that the archive does not hold as they are now, in the same order. `entries`: the walk's, in
/// corpus order. `archived`: the archive's current rows, any part on any rank. A file whose archived copy is not exact
/// is dropped only if its loss is `allowed`. 40 bytes a row and an entry cross the network; a rank holds its share of
/// the archive's paths for the time of the call.
NewEntries drop_archived(const mpi::Comm& comm, std::vector<corpus::FileEntry> entries,
                         std::span<const ArchivedFile> archived, const KeyedHash& hash, LossId allowed);

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
  std::uint64_t corpus_offset_bytes = 0;  ///< of the bytes to archive, over all ranks
  std::uint64_t wave = 0;
};

struct PlanOptions {
  std::uint64_t wave_bytes = 0;
  std::uint64_t part_bytes = 0;  ///< at most wave_bytes
  /// NewEntries::bytes_before. The first wave is shorter, so that it ends where it would end if these bytes were
  /// archived by this sweep: a sweep that continues an interrupted one has the same waves.
  std::uint64_t bytes_before = 0;
};

/// This rank's share of the work of the whole job: files in corpus order, units in order of their bytes.
struct Plan {
  std::vector<PlannedFile> files;
  std::vector<Unit> units;
  std::uint64_t n_waves = 0;      ///< the same on all ranks
  std::uint64_t total_bytes = 0;  ///< over all ranks
};

/// Collective. Cuts files into units and the job into waves of at most wave_bytes + part_bytes: the windows of
/// wave_bytes in which at least one unit begins. Depends on the files and options only, never on the number of
/// ranks.
Plan make_plan(const mpi::Comm& comm, std::vector<PlannedFile> files, const PlanOptions& options);

/// A run of chunks of one unit that one rank works on.
struct Share {
  std::size_t unit = 0;  ///< of Plan::units
  std::uint32_t first_chunk = 0;
  std::uint32_t n_chunks = 0;
};

/// Number of chunks of a unit; 0 for a unit of 0 bytes.
std::uint32_t chunks_of(DType dtype, std::uint64_t unit_bytes);

/// A chunk as a byte range of its unit.
struct ChunkPlace {
  std::uint64_t offset_bytes = 0;
  std::uint32_t size_bytes = 0;
};
ChunkPlace place_of_chunk(DType dtype, std::uint64_t unit_bytes, std::uint32_t chunk);

/// Collective. Who reads and encodes what in a wave: ranks get contiguous runs of chunks of about equal bytes, in
/// corpus order. Element r lists the shares of this rank's units that go to rank r; units of files that `skip_file`
/// marks are left out.
mpi::PerRank<Share> partition(const mpi::Comm& comm, const Plan& plan, std::uint64_t wave,
                              const std::vector<bool>& skip_file);

}  // namespace elves::plan
