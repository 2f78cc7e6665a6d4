#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "elves/dtype.hpp"

namespace elves::corpus {

/// A byte range of a file: one layer, or the glue between layers. The extents of a file partition it.
struct Extent {
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
  bool is_layer = false;
  DType dtype = DType::Bytes;          ///< Bytes for glue
  std::string name{};                  ///< of the layer, as its container gives it (any bytes); empty for glue
  std::vector<std::uint64_t> shape{};  ///< of the layer; empty for glue and for a scalar
};

/// How a file's weights are packed. Stored in archives: never renumbered.
enum class ContainerId : std::uint16_t { Opaque = 0, Safetensors = 1 };

/// What a parser found. `extents` always partition the file; a file that no parser takes is one glue extent (none at
/// all for an empty file). `opaque_reason` says in a few words why a file that looks like a container has no layers.
struct ParsedFile {
  ContainerId container = ContainerId::Opaque;
  std::vector<Extent> extents;
  std::string opaque_reason;
};

}  // namespace elves::corpus
