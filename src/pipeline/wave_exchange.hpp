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
#include "support/loss_id.hpp"

/// A wave has two sides on every rank. Its *home* side is about the files that this rank planned: it knows paths,
/// layers and verdicts. Its *work* side is about the contiguous run of chunks that partition() gave this rank to read,
/// hash and encode. Bytes never move between ranks; descriptions, digests, verdicts and outcomes do.
namespace elves::pipeline {

/// A file that a chunk of this rank's work lies in.
struct SourceFile {
  std::string path;  ///< relative to the corpus
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_seconds = 0;
  std::uint32_t mtime_nanoseconds = 0;
  std::int64_t ctime_seconds = 0;
  std::uint32_t ctime_nanoseconds = 0;
  std::uint64_t inode = 0;
  std::string error;  ///< why it could not be read as the walk found it
};

SourceFile source_of(const corpus::FileEntry& entry);

/// Where the bytes of a layer lie from which chunks of this rank's work may be stored as differences.
struct BaseLocation {
  SourceFile source;               ///< a file of the corpus that this sweep has read; an empty path: none
  std::uint64_t offset_bytes = 0;  ///< of the base in it
  std::uint64_t size_bytes = 0;    ///< of the base
  std::vector<Hash128> digests;    ///< of the base's chunks in that file
  LossId loss;                     ///< exact: those bytes are what decoding the base gives
  std::uint32_t shard = 0;         ///< where the archive has it
  std::uint64_t row = 0;
};

/// Files and bases on their way between ranks.
void write(const SourceFile& source, ByteWriter& to);
void write(const BaseLocation& base, ByteWriter& to);
SourceFile read_source(ByteCursor& from);
BaseLocation read_base(ByteCursor& from);

/// What is to be done with the chunks of a unit.
struct Task {
  bool encode = false;  ///< the chunks of layers that are stored for the first time
  LossId allowed;       ///< what encoding may lose
};

inline constexpr std::size_t kNoBase = SIZE_MAX;

/// One chunk of this rank's work.
struct AssignedChunk {
  std::size_t source = 0;
  DType dtype = DType::Bytes;
  std::uint64_t file_offset = 0;
  std::size_t buffer_at = 0;
  std::uint32_t size_bytes = 0;
  std::uint32_t number = 0;  ///< of the chunk in its unit
  Hash128 digest;
  Task task;
  std::size_t base = kNoBase;  ///< of AssignedWave::bases
  // After encoding:
  Hash128 decoded;
  ChunkStats stats;
  std::uint64_t checksum = 0;
  std::span<const std::byte> encoded;
};

/// A run of chunks of one unit, as a home rank described it.
struct AssignedRun {
  std::size_t first_chunk = 0;  ///< of AssignedWave::chunks
  std::uint32_t n_chunks = 0;
  std::uint64_t unit_bytes = 0;  ///< of the whole unit
};

/// The work side of a wave.
struct AssignedWave {
  std::vector<SourceFile> sources;
  std::vector<AssignedChunk> chunks;                   ///< in corpus order
  std::vector<std::vector<AssignedRun>> shares;        ///< by home rank, in the order of its Share list
  std::vector<std::vector<std::size_t>> source_lists;  ///< by home rank: its files, in the order it named them
  std::vector<BaseLocation> bases;
  std::uint64_t raw_bytes = 0;
};

/// The home side of a wave.
struct PlannedWave {
  std::uint64_t wave = 0;
  mpi::PerRank<plan::Share> shares;             ///< by worker rank
  std::vector<std::vector<std::size_t>> files;  ///< by worker rank: the files it was told of, in that order
};

/// Collective. Tells each rank what to read and encode in a wave.
void assign(const mpi::Comm& comm, const plan::Plan& plan, std::uint64_t wave, const std::vector<bool>& failed_files,
            PlannedWave& planned, AssignedWave& assigned);

/// What home ranks learn of the reading: digests of their units' chunks, and which of their files failed.
struct ReadResult {
  std::vector<std::vector<Hash128>> digests;                ///< by unit of the wave (index from `first_unit`)
  std::vector<std::pair<std::size_t, std::string>> failed;  ///< file, reason
};

/// The units of this rank's plan that belong to a wave.
struct UnitRange {
  std::size_t first = 0;
  std::size_t last = 0;
};
UnitRange units_of(const plan::Plan& plan, std::uint64_t wave);

/// Collective. Brings digests and read errors from workers to homes.
ReadResult collect_read_results(const mpi::Comm& comm, const plan::Plan& plan, const PlannedWave& planned,
                                const AssignedWave& assigned);

/// Collective. Brings tasks (by unit of the wave) from homes to the chunks of their workers.
void send_tasks(const mpi::Comm& comm, const plan::Plan& plan, const PlannedWave& planned,
                const std::vector<Task>& tasks, AssignedWave& assigned);

/// What a home learns of an encoded chunk.
struct ChunkOutcome {
  Hash128 decoded;
  double max_abs_error = 0;
  std::uint64_t raw_bytes = 0;
  std::uint64_t transformed_bytes = 0;
  std::uint64_t encoded_bytes = 0;
  std::uint64_t alone_bytes = 0;
  std::uint32_t transform = 0;
  std::uint32_t exact = 1;
};

/// Collective. Brings outcomes from workers to homes: by unit of the wave, its chunks in order; empty for others.
std::vector<std::vector<ChunkOutcome>> collect_outcomes(const mpi::Comm& comm, const plan::Plan& plan,
                                                        const PlannedWave& planned, const std::vector<Task>& tasks,
                                                        const AssignedWave& assigned);

}  // namespace elves::pipeline
