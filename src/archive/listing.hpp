#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archive/directory.hpp"
#include "elves/error.hpp"

namespace elves::archive {

struct ListedLayer {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t size_bytes = 0;
  std::uint64_t stored_bytes = 0;  ///< of its encoded chunks, shared by all files that have this layer
  std::string transform;           ///< of most chunks
  double max_abs_error = 0;
  std::string base;  ///< empty: stored on its own
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
  bool exact = true;                ///< restore gives the original bytes
  std::vector<ListedLayer> layers;  ///< where asked for
};

struct ListedModel {
  std::string id;
  std::uint64_t n_files = 0;
  std::uint64_t n_layers = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t stored_bytes = 0;
};

struct ListOptions {
  std::string model;  ///< identifier or glob; empty: all
  bool with_layers = false;
};

/// Not collective. The latest version of each file of the models that the options name, in order of path. Memory: one
/// row a file. An Error where the archive is damaged.
Result<std::vector<ListedFile>> list_files(const Directory& directory, const ListOptions& options);

/// Sums of files by model, in order of identifier.
std::vector<ListedModel> sum_by_model(const std::vector<ListedFile>& files);

}  // namespace elves::archive
