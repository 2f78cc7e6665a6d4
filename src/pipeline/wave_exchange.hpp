#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "corpus/file_entry.hpp"
#include "elves/codec.hpp"
#include "mpi/comm.hpp"
#include "pipeline/buffers.hpp"
#include "plan/plan.hpp"
#include "support/byte_cursor.hpp"
#include "support/hash.hpp"
#include "support/layer_ref.hpp"
#include "support/loss_id.hpp"

/// Every rank has two roles in a wave. As a planner it knows the paths, layers and results of deduplication of the
/// files that it planned. As a worker it reads, hashes and encodes the contiguous run of chunks that partition()
/// assigned to it, whichever rank planned them. Descriptions, digests, tasks and outcomes travel between planners and
/// workers. Bytes of the corpus do not.
namespace elves::pipeline {

/// A file of which a worker reads chunks, as the walk found it.
struct SourceFile {
  std::string path;  ///< relative to the corpus
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_seconds = 0;
  std::uint32_t mtime_nanoseconds = 0;
  std::int64_t ctime_seconds = 0;
  std::uint32_t ctime_nanoseconds = 0;
  std::uint64_t inode = 0;
  std::string error{};  ///< why it could not be read, or that it has changed; empty: it was read
};

SourceFile source_of(const corpus::FileEntry& entry);

/// Where a worker finds the base of a layer whose chunks it encodes: in the corpus or in the archive.
struct BaseLocation {
  SourceFile source;               ///< a file that this sweep has read; with an empty path there is none
  std::uint64_t offset_bytes = 0;  ///< of the base in `source`
  std::uint64_t size_bytes = 0;    ///< of the base
  std::vector<Hash128> digests;    ///< of the base's chunks in `source`
  LossId loss;                     ///< of the stored base; exact: a reader decodes the bytes of `source`
  LayerRef place{};                ///< the base's layer in the archive
};

/// Messages between ranks.
void write(const SourceFile& source, ByteWriter& to);
void write(const BaseLocation& base, ByteWriter& to);
SourceFile read_source(ByteCursor& from);
BaseLocation read_base(ByteCursor& from);

/// What a worker does with the chunks of a unit after reading them.
struct Task {
  bool encode = false;  ///< true if this is the first layer of its kind; others are stored already
  LossId allowed{};     ///< what encoding may lose
};

inline constexpr std::size_t kNoBase = SIZE_MAX;

/// A chunk that this rank reads, hashes and, if its task says so, encodes.
struct AssignedChunk {
  std::size_t source = 0;  ///< of AssignedWave::sources
  DType dtype = DType::Bytes;
  std::uint64_t file_offset = 0;
  std::size_t buffer_at = 0;
  std::uint32_t size_bytes = 0;
  std::uint32_t number = 0;  ///< of the chunk in its unit
  Hash128 digest;            ///< set by reading
  Task task;
  std::size_t base = kNoBase;  ///< of AssignedWave::bases
  // Set by encoding:
  Hash128 decoded;
  ChunkStats stats;
  std::uint64_t checksum = 0;
  std::span<const std::byte> encoded;
};

/// Consecutive chunks of one unit: the worker's copy of a plan::Share.
struct AssignedRun {
  std::size_t first_chunk = 0;  ///< of AssignedWave::chunks
  std::uint32_t n_chunks = 0;
  std::uint64_t unit_bytes = 0;  ///< of the whole unit
};

/// What a worker knows of a wave.
struct AssignedWave {
  std::vector<SourceFile> sources;
  std::vector<AssignedChunk> chunks;                   ///< in corpus order
  std::vector<std::vector<AssignedRun>> runs;          ///< by planner, in the order of its PlannedWave::shares
  std::vector<std::vector<std::size_t>> source_lists;  ///< by planner, in the order of its PlannedWave::files
  std::vector<BaseLocation> bases;
  std::uint64_t raw_bytes = 0;
};

/// What a planner knows of a wave.
struct PlannedWave {
  std::uint64_t wave = 0;
  mpi::PerRank<plan::Share> shares;             ///< by worker
  std::vector<std::vector<std::size_t>> files;  ///< by worker: of Plan::files, each once, in the order of the shares
};

/// Collective. Sends each worker the descriptions of the chunks that it reads in this wave. One exchange: about 60
/// bytes and the path for each file, 20 bytes for each unit.
void assign(const mpi::Comm& comm, const plan::Plan& plan, std::uint64_t wave, const std::vector<bool>& failed_files,
            PlannedWave& planned, AssignedWave& assigned);

/// The units of this rank's plan that belong to a wave.
struct UnitRange {
  std::size_t first = 0;
  std::size_t last = 0;  ///< one past the end
};
UnitRange units_of(const plan::Plan& plan, std::uint64_t wave);

/// What planners learn when a wave has been read.
struct ReadResult {
  std::vector<std::vector<Hash128>> digests;                ///< of chunks, by unit of the wave
  std::vector<std::pair<std::size_t, std::string>> failed;  ///< file of the plan, reason
};

/// Collective. Sends digests and read errors from workers to planners. Two exchanges: 16 bytes a chunk.
ReadResult collect_read_results(const mpi::Comm& comm, const plan::Plan& plan, const PlannedWave& planned,
                                const AssignedWave& assigned);

/// Collective. Sends tasks (by unit of the wave) from planners to the chunks of their workers. One exchange: 8 bytes a
/// run.
void send_tasks(const mpi::Comm& comm, const plan::Plan& plan, const PlannedWave& planned,
                const std::vector<Task>& tasks, AssignedWave& assigned);

/// What planners learn of an encoded chunk.
struct ChunkOutcome {
  Hash128 decoded{};
  double max_abs_error = 0;
  std::uint64_t raw_bytes = 0;
  std::uint64_t transformed_bytes = 0;
  std::uint64_t encoded_bytes = 0;
  std::uint64_t standalone_bytes = 0;
  std::uint32_t transform = 0;
  std::uint32_t exact = 1;
};

/// Collective. Sends outcomes from workers to planners. Returns, by unit of the wave, the outcomes of its chunks in
/// order; none for units that were not encoded. One exchange: 64 bytes a chunk.
std::vector<std::vector<ChunkOutcome>> collect_outcomes(const mpi::Comm& comm, const plan::Plan& plan,
                                                        const PlannedWave& planned, const std::vector<Task>& tasks,
                                                        const AssignedWave& assigned);

}  // namespace elves::pipeline
