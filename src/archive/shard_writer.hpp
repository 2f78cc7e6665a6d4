#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "archive/archive_dir.hpp"
#include "archive/tables.hpp"
#include "h5/file.hpp"
#include "mpi/comm.hpp"

namespace elves::archive {

/// Texts, shapes and sketches of rows, one after the other: a part of /names under construction.
class StringHeap {
 public:
  /// Appends; returns the offset of the first byte.
  std::uint64_t add(std::string_view text);
  std::uint64_t add(std::span<const std::uint64_t> shape);
  std::uint64_t add(std::span<const std::byte> bytes);
  std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// One rank's part of a shard, in corpus order. Offsets and row numbers are relative to this part (0 is its first
/// chunk, row or byte), except references to layers (LayerRow::base_*, ExtentRow::layer_*), which are final.
struct ShardPart {
  std::vector<std::span<const std::byte>> payload;  ///< encoded chunks, in the order of `chunks`
  std::vector<ChunkRow> chunks;
  std::vector<LayerRow> layers;
  StringHeap layer_names;  ///< shapes of `layers`
  std::vector<FileRow> files;
  std::vector<ExtentRow> extents;
  std::vector<ModelRow> models;
  StringHeap names;  ///< of `files`, `extents`, `models`
  std::vector<SketchRow> sketches;
  StringHeap sketch_bytes;  ///< of `sketches`
};

struct ShardHeader {
  std::uint32_t shard = 0;
  std::uint64_t sweep = 0;
  std::uint64_t wave = 0;
  std::string options;  ///< of the sweep, for people to read: what the command line chose
};

/// Writes the shards of one sweep.
class ShardWriter {
 public:
  /// Collective. `verify`: each rank reads its payload back from the file and checks it before the rename. Throws
  /// Failure on all ranks together.
  ShardWriter(const mpi::Comm& comm, const ArchiveDir& directory, bool verify);

  /// Collective. Writes one shard from the parts of all ranks. When it returns, the wave is committed and on disk. The
  /// file is written under a temporary name of this attempt, flushed, closed, fsynced, checked, renamed without
  /// replacing, and the directory is fsynced. Returns the size of the file; 0 where all parts are empty: then nothing
  /// is written. Throws Failure on all ranks together (disk full, HDF5, a shard of this number exists) and removes the
  /// temporary file.
  std::uint64_t write(const ShardHeader& header, ShardPart part);

 private:
  const mpi::Comm& comm_;
  const ArchiveDir& directory_;
  bool verify_;
  std::string attempt_;  ///< part of temporary names: job, restart, random; the same on all ranks
  h5::SharedAccess access_;
};

}  // namespace elves::archive
