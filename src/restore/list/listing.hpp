#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "archive/directory.hpp"
#include "elves/error.hpp"
#include "support/layer_ref.hpp"

namespace elves::restore {

/// The layer that another one rests on, and who brought it.
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

/// What a file or model takes from one model: layers that are differences from that one's, and equal layers.
struct ListedKin {
  std::string model;
  std::uint64_t n_layers = 0;          ///< that are differences
  std::uint64_t n_elements = 0;        ///< of these
  std::uint64_t size_bytes = 0;        ///< of these
  std::uint64_t stored_bytes = 0;      ///< of these
  std::uint64_t standalone_bytes = 0;  ///< of these, as the encoder expected them without base
  std::uint64_t copied_bytes = 0;      ///< of layers that the other model brought

  std::uint64_t taken_bytes() const { return size_bytes + copied_bytes; }
  /// What the bases saved; negative where deltas took more than expected without base.
  std::int64_t saved_bytes() const {
    return static_cast<std::int64_t>(standalone_bytes) - static_cast<std::int64_t>(stored_bytes);
  }
  void add(const ListedKin& other);
};

struct ListedFile {
  std::string path;
  std::string model;
  std::string kind;       ///< "file", "symlink", "hardlink", "directory"
  std::string container;  ///< "safetensors", "opaque", ...
  std::string target;     ///< of links
  std::uint64_t size_bytes = 0;
  std::uint64_t stored_bytes = 0;  ///< of the layers and glue that this file was the first to bring
  std::uint64_t n_layers = 0;
  std::uint64_t sweep = 0;
  bool exact = true;                     ///< restore gives the original bytes
  std::uint64_t layer_bytes = 0;         ///< of all its layers
  std::uint64_t duplicate_bytes = 0;     ///< of those that were there before
  std::map<std::string, ListedKin> kin;  ///< by model
  std::vector<ListedLayer> layers;       ///< where asked for
};

struct ListedModel {
  std::string id;
  std::uint64_t n_files = 0;
  std::uint64_t n_layers = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t layer_bytes = 0;
  std::uint64_t duplicate_bytes = 0;
  std::vector<ListedKin> kin;  ///< models (itself too), from which it takes most first

  std::uint64_t difference_bytes() const;  ///< of layers that are deltas of other models
  std::int64_t saved_bytes() const;        ///< by bases in other models
  /// The model that base_of_model() gives; nullptr where the model has no base.
  const ListedKin* base() const;
  /// The other model that first stored more than half of its layer bytes; nullptr where none did.
  const ListedKin* original() const;
};

struct ListOptions {
  std::string model;  ///< identifier or glob; empty: all
  bool with_layers = false;
};

/// Not collective. The latest version of each file of the models that the options name, in order of path. Memory: one
/// row a file. An Error where the archive is damaged.
Result<std::vector<ListedFile>> list_files(const archive::Directory& directory, const ListOptions& options);

/// Sums of files by model, in order of identifier.
std::vector<ListedModel> sum_by_model(const std::vector<ListedFile>& files);

}  // namespace elves::restore
