#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "elves/dtype.hpp"

namespace elves::measure {

/// A part of a layer that is encoded as one chunk: at most kChunkBytes.
struct LayerChunk {
  std::string path;  ///< of the file, below the hub
  std::uint64_t offset_bytes = 0;
  std::size_t size_bytes = 0;
  DType dtype = DType::Bytes;
  bool lossless = false;     ///< its layer is always stored exactly
  bool begins_layer = true;  ///< false for a further part of a layer
  std::string layer{};       ///< name of the layer within the file
};

/// The folder `hub` in $ELVES_CORPUS, or in ../shared/corpus beside the source; nothing if it does not exist.
std::optional<std::string> find_real_hub();

/// All layers of all regular files below `hub`, in the order of their paths, cut into chunks; nothing is deduplicated.
/// Reads headers, and whole files if layers can only be found by statistics. Throws Failure if a file cannot be read.
std::vector<LayerChunk> list_chunks(const std::string& hub);

/// Reads the bytes of a chunk. Throws Failure if the file cannot be read.
std::vector<std::byte> read_chunk(const std::string& hub, const LayerChunk& chunk);

}  // namespace elves::measure
