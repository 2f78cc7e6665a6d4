#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "archive/archive_dir.hpp"
#include "archive/file_history.hpp"
#include "archive/file_ref.hpp"
#include "elves/dtype.hpp"
#include "mpi/comm.hpp"
#include "support/known_file.hpp"
#include "support/layer_ref.hpp"
#include "support/loss_id.hpp"

namespace elves::archive {

/// What deduplication must know of a stored layer: see LayerRow.
struct KnownLayer {
  Hash128 fingerprint;
  Hash128 decoded;
  std::uint64_t size_bytes = 0;
  LayerRef place;
  LossId loss;
  DType dtype = DType::Bytes;
};

/// A layer of the archive that may serve as a base: either a sketched layer stored without a base, or a small layer
/// without a sketch, which may have one.
struct KnownBase {
  LayerRef place;
  Hash128 model;  ///< hash128 of the model's identity, and of the layer's name
  Hash128 name;
  DType dtype = DType::Bytes;
  std::vector<std::uint64_t> shape;  ///< of the whole layer
  std::uint32_t part = 0;
  std::uint64_t size_bytes = 0;  ///< of this part
  std::vector<std::byte> sketch;
};

/// What the archive holds, as a sweep needs it. Shards are dealt to ranks in turn, each read by one rank.
struct Catalog {
  std::uint32_t next_shard = 0;
  std::uint64_t next_sweep = 1;
  std::vector<KnownFile> known_files;          ///< current rows of the shards that this rank has read
  std::map<Hash128, std::string> model_names;  ///< of the models of their files, by hash128
};

/// Takes the layers of one shard in order of rows, or none. Called equally often on all ranks: it may be collective.
using TakeLayers = std::function<void(const std::vector<KnownLayer>&)>;
/// Takes the bases of one shard (those with sketches in order of rows, then small ones by file), or none. Called
/// equally often on all ranks: it may be collective.
using TakeBases = std::function<void(std::vector<KnownBase>)>;

/// Collective. Reads all shards, each rank its own, one at a time: hands over the layers of each shard, its bases where
/// somebody takes them, and adds its files to `history`. Throws Failure on all ranks together where a shard is damaged.
Catalog load_catalog(const mpi::Comm& comm, const ArchiveDir& directory, FileHistory& history,
                     const TakeLayers& take_layers, const TakeBases& take_bases = {});

}  // namespace elves::archive
