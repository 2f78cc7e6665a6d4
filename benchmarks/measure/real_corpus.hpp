#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "elves/dtype.hpp"

namespace elves::measure {

/// A part of a layer as the encoder is given it: at most kChunkBytes.
struct LayerChunk {
  std::string path;  ///< of the file, below the hub
  std::uint64_t offset_bytes = 0;
  std::size_t size_bytes = 0;
  DType dtype = DType::Bytes;
  bool lossless = false;     ///< its layer is never coded with loss
  bool begins_layer = true;  ///< false for a further part of a layer
  std::string layer{};       ///< name of the layer within the file
};

/// The folder `hub` in $ELVES_CORPUS, or in ../shared/corpus beside the source; nothing where there is none.
std::optional<std::string> find_real_hub();

/// All layers of all regular files below `hub`, in the order of their paths, cut into chunks; nothing is deduplicated.
/// Reads headers, and whole files where only statistics find the layers. Throws Failure where a file cannot be read.
std::vector<LayerChunk> list_chunks(const std::string& hub);

/// Throws Failure where the file cannot be read.
std::vector<std::byte> read_chunk(const std::string& hub, const LayerChunk& chunk);

}  // namespace elves::measure
