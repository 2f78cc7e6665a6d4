#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "archive/shard_reader.hpp"
#include "elves/codec.hpp"
#include "elves/dtype.hpp"
#include "support/layer_ref.hpp"

namespace elves::restore {

/// The most bytes that a chunk's encoded form may have.
inline constexpr std::size_t kMostEncodedBytes = kChunkBytes + 64;

/// Row of a shard's /chunks, and how its bytes are typed.
struct ChunkPlace {
  std::uint32_t shard = archive::kNoShard;
  std::uint64_t row = 0;
  DType dtype = DType::Bytes;
  auto operator<=>(const ChunkPlace&) const = default;
};

/// A chunk where it lies. Its sizes have been checked.
struct StoredChunk {
  ChunkPlace place;
  std::shared_ptr<const archive::ShardReader> shard;
  archive::ChunkRow row;
};

/// All that decoding a chunk takes. `base` is there where the chunk is a difference from it.
struct ChunkSource {
  StoredChunk chunk;
  std::optional<StoredChunk> base;
  LayerRef base_layer;
};

/// "layer 7 of shard-00000000.h5"
std::string describe(const LayerRef& layer);

/// The chunks of one layer, in order, and those that they are differences from. Main thread only. Whatever the tables
/// say, a base stands alone: nothing is looked up deeper than one layer.
class LayerChunks {
 public:
  /// An Error where the row is damaged, its dtype is unknown, or its base is not one: not there, of a later shard, of
  /// another dtype, or itself a difference. `layer` lies where a row is.
  static Result<LayerChunks> open(archive::ShardSet& shards, const LayerRef& layer);

  const archive::LayerRow& row() const noexcept { return own_.row; }
  const LayerRef& place() const noexcept { return own_.place; }
  DType dtype() const noexcept { return dtype_; }
  bool at_end() const noexcept { return own_.next == own_.row.n_chunks; }

  /// The next chunk. An Error where its size is none that it can have, or it is a difference and the base has no chunk
  /// at that place.
  Result<ChunkSource> next();

 private:
  /// A layer that is walked chunk by chunk.
  struct Walk {
    LayerRef place;
    std::shared_ptr<archive::ShardReader> shard;
    archive::LayerRow row;
    std::uint32_t next = 0;
    std::uint64_t at = 0;  ///< bytes before the next chunk
    Result<StoredChunk> step(DType dtype);
  };

  Result<void> open_base(archive::ShardSet& shards);
  Result<StoredChunk> base_chunk(std::uint32_t c, std::uint64_t at);

  Walk own_;
  std::optional<Walk> base_;
  DType dtype_ = DType::Bytes;
};

}  // namespace elves::restore
