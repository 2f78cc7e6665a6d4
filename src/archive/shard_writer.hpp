#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "archive/directory.hpp"
#include "archive/tables.hpp"
#include "h5/file.hpp"
#include "mpi/comm.hpp"

namespace elves::archive {

/// Bytes of /names under construction.
class Names {
 public:
  std::uint64_t add(std::string_view text);
  std::uint64_t add(std::span<const std::uint64_t> shape);
  std::uint64_t add(std::span<const std::byte> bytes);
  std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// One rank's part of a shard, in corpus order. All places are relative to this rank's own part (0 is its first chunk,
/// row, byte of names) except LayerRow/ExtentRow references to layers of shards, which are final.
struct ShardPart {
  std::vector<std::span<const std::byte>> payload;  ///< encoded chunks, in the order of `chunks`
  std::vector<ChunkRow> chunks;
  std::vector<LayerRow> layers;
  Names layer_names;  ///< shapes of `layers`
  std::vector<FileRow> files;
  std::vector<ExtentRow> extents;
  std::vector<ModelRow> models;
  Names names;  ///< of files, extents, models
  std::vector<SketchRow> sketches;
  Names sketch_bytes;  ///< of `sketches`
};

struct ShardHeader {
  std::uint32_t shard = 0;
  std::uint64_t sweep = 0;
  std::uint64_t wave = 0;
  std::string options;  ///< of the sweep, for people: the command line's choices
};

/// Writes the shards of one sweep.
class ShardWriter {
 public:
  /// Collective. `verify`: each rank reads its payload back from the file and checks it before the rename. Throws
  /// Failure on all ranks together.
  ShardWriter(const mpi::Comm& comm, const Directory& directory, bool verify);

  /// Collective. Writes the shard that the parts of all ranks make up, and publishes it: only when this returns is the
  /// wave committed, and then it is on disk. Written under a name of this attempt, flushed, closed, fsynced, checked,
  /// renamed without replacing, directory fsynced. Returns the size of the shard file; 0 where all parts are empty and
  /// nothing was written. Throws Failure on all ranks together (disk full, HDF5, a shard of this number exists); the
  /// temporary file is removed.
  std::uint64_t write(const ShardHeader& header, ShardPart part);

 private:
  const mpi::Comm& comm_;
  const Directory& directory_;
  bool verify_;
  std::string attempt_;  ///< of temporary names: job, restart, random; the same on all ranks
  h5::SharedAccess access_;
};

}  // namespace elves::archive
