#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "archive/directory.hpp"
#include "dedup/layer_table.hpp"
#include "mpi/comm.hpp"
#include "support/loss_id.hpp"

namespace elves::archive {

/// What a sweep must know of one path (its keyed hash): see FileRow.
struct KnownFile {
  Hash128 path;
  std::uint64_t state = 0;
  std::uint64_t order = 0;  ///< the later of two rows of one path has the higher
  LossId loss;
};

/// Layers of fewer bytes have no sketch.
inline constexpr std::uint64_t kLeastSketchedBytes = std::uint64_t{64} << 10;

/// A layer of the archive that others may be stored as differences from: one that has a sketch and stands alone, or a
/// small one, of which that is not known.
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
  std::uint64_t file_bytes = 0;                ///< of all rows of regular files, over all ranks
  std::vector<KnownFile> known_files;          ///< of the shards that this rank has read
  std::map<Hash128, std::string> model_names;  ///< of the models of their files, by hash128
};

/// Takes the bases of one shard (those with sketches in order of rows, then small ones by file), or none. Called
/// equally often on all ranks: it may be collective.
using TakeBases = std::function<void(std::vector<KnownBase>)>;

/// Collective. Reads all shards; takes every layer into `table` at its owner (88 bytes a layer cross the network, at
/// most one shard of each rank at a time). Hands each rank the bases of the shards that it reads, shard by shard,
/// where somebody takes them. Throws Failure on all ranks together where a shard is damaged.
Catalog load_catalog(const mpi::Comm& comm, const Directory& directory, dedup::LayerTable& table,
                     const TakeBases& take_bases = {});

/// A row of a shard's /files.
struct FileRef {
  std::uint32_t shard = 0;
  std::uint32_t reserved = 0;
  std::uint64_t row = 0;
  std::uint64_t size_bytes = 0;
  bool operator==(const FileRef&) const = default;
};

struct SelectedFile {
  FileRef file;
  /// A hard link whose first name is selected too and has the same content: to be linked, else it is restored as a
  /// file.
  bool link = false;
};

struct Selection {
  std::vector<std::string> models;  ///< identifiers or globs; empty: all
  std::vector<std::string> paths;   ///< globs; empty: all
};

/// Paths that were folders and are no longer: what was archived below them before is not restored, there is no place
/// for it.
class FormerFolders {
 public:
  FormerFolders(const Directory& directory, std::map<Hash128, std::uint64_t> since)
      : hash_(directory.identity.hash_secret), since_(std::move(since)) {}
  bool hides(const std::string& path, const FileRef& file) const;

 private:
  KeyedHash hash_;
  std::map<Hash128, std::uint64_t> since_;  ///< path, order of the row that ended the folder
};

struct SelectedFiles {
  std::vector<SelectedFile> files;
  FormerFolders former_folders;
};

/// Collective. The latest version of each path that the selection takes, dealt to ranks by bytes; on each rank in order
/// of shard and row. No rank holds the whole list. Throws Failure on all ranks where a shard is damaged.
SelectedFiles select_files(const mpi::Comm& comm, const Directory& directory, const Selection& selection);

}  // namespace elves::archive
