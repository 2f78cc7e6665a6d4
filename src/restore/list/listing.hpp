#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "archive/archive_dir.hpp"
#include "archive/file_history.hpp"
#include "elves/error.hpp"
#include "support/layer_ref.hpp"

namespace elves::restore {

/// The base of a layer, and the model whose file first stored it.
struct ListedBase {
  LayerRef place;
  std::string model;
  std::string layer;
};

struct ListedLayer {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t size_bytes = 0;
  std::uint64_t stored_bytes = 0;  ///< of its encoded chunks, shared by all files that have this layer
  std::string transform;           ///< of most chunks
  double max_abs_error = 0;
  std::optional<ListedBase> base;  ///< of a layer in parts: of the first part that has one
};

/// What the layers of a file or model have from one model (it may be the same): bases of deltas, and duplicates.
struct Relative {
  std::string model;
  std::uint64_t n_layers = 0;          ///< deltas of its layers
  std::uint64_t n_elements = 0;        ///< of these deltas; also the next three
  std::uint64_t size_bytes = 0;        ///< decoded
  std::uint64_t stored_bytes = 0;      ///< their chunks
  std::uint64_t standalone_bytes = 0;  ///< what the encoder expected them to take without base
  std::uint64_t duplicate_bytes = 0;   ///< of layers that this model stored first

  std::uint64_t shared_bytes() const { return size_bytes + duplicate_bytes; }
  /// What the bases saved; negative where the deltas took more than expected without base.
  std::int64_t saved_bytes() const {
    return static_cast<std::int64_t>(standalone_bytes) - static_cast<std::int64_t>(stored_bytes);
  }
  void add(const Relative& other);
};

struct ListedFile {
  std::string path;
  std::string model;
  std::string kind;       ///< "file", "symlink", "hardlink", "directory"
  std::string container;  ///< "safetensors"; "plain" for files without layers
  std::string target;     ///< of links
  archive::RowState state = archive::RowState::Current;
  std::uint64_t size_bytes = 0;
  std::uint64_t stored_bytes = 0;  ///< chunks of the layers and glue that this file stored first
  std::uint64_t n_layers = 0;
  std::uint64_t sweep = 0;
  bool exact = true;                          ///< restore gives the original bytes
  bool is_incomplete = false;                 ///< some of its bytes lie in a shard that is missing
  std::uint64_t layer_bytes = 0;              ///< of all its layers
  std::uint64_t duplicate_bytes = 0;          ///< of layers that another file stored first
  std::map<std::string, Relative> relatives;  ///< by model
  std::vector<ListedLayer> layers;            ///< where asked for
};

struct ListedModel {
  std::string id;
  std::uint64_t n_files = 0;
  std::uint64_t n_layers = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t layer_bytes = 0;
  std::uint64_t duplicate_bytes = 0;
  std::vector<Relative> relatives;  ///< the one with most shared bytes first

  std::uint64_t delta_bytes() const;  ///< of layers that are deltas of other models
  std::int64_t saved_bytes() const;   ///< by bases in other models
  /// The model that base_of_model() gives; nullptr where the model has no base.
  const Relative* base() const;
  /// The other model that first stored more than half of its layer bytes; nullptr where none did.
  const Relative* original() const;
};

struct ListOptions {
  std::string name;  ///< a model, as match_model() takes it, or else a path or glob of paths; empty: all
  bool with_layers = false;
  bool all_versions = false;  ///< rows that are not current, too
};

struct Listing {
  std::vector<ListedFile> files;    ///< in order of path, older versions first
  archive::FileTotals totals;       ///< of the whole archive, whatever is listed
  std::uint64_t archive_bytes = 0;  ///< everything on disk
};

/// Not collective. The current files that the options name; of a path that is no more the former ones. A model has what
/// its symbolic links lead to, too. Stored bytes are charged to the first current file that has a layer, in order of
/// shard and row; what no current file has to the first other one. Where shards are missing, what the others hold.
/// Memory: about 300 bytes a row of /files, 100 a layer. An Error where the archive is damaged, or nothing has that
/// name.
Result<Listing> list_files(const archive::ArchiveDir& directory, const ListOptions& options);

/// Sums of files by model, in order of identifier. Folders, and files that are not current, count nowhere.
std::vector<ListedModel> sum_by_model(const std::vector<ListedFile>& files);

}  // namespace elves::restore
