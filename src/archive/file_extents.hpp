#pragma once

#include <cstdint>
#include <vector>

#include "archive/shard_reader.hpp"
#include "archive/tables.hpp"
#include "elves/error.hpp"
#include "support/layer_ref.hpp"

namespace elves::archive {

/// An extent of a file, and the layer that holds its bytes.
struct FileExtent {
  std::uint64_t row = 0;  ///< of /extents, in the shard of the file
  ExtentRow extent;
  LayerRow layer;

  LayerRef place() const noexcept { return {extent.layer_shard, extent.layer_row}; }
};

/// Not collective. The extents of a file of `shard` in order, with their layers, which may lie in other shards. An
/// Error where a row is damaged, a shard is missing, or the extents are no partition of the file: a gap, another size
/// than that of the layer, an end that is not the end of the file. Memory: 200 bytes an extent.
Result<std::vector<FileExtent>> extents_of(ShardSet& shards, std::uint32_t shard, const FileRow& file);

}  // namespace elves::archive
