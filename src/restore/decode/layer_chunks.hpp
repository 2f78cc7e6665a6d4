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

/// A row of a shard's /chunks, and the dtype of its bytes.
struct ChunkRef {
  std::uint32_t shard = archive::kNoShard;
  std::uint64_t row = 0;
  DType dtype = DType::Bytes;
  auto operator<=>(const ChunkRef&) const = default;
};

/// A chunk and the shard that holds it. Its sizes have been checked.
struct StoredChunk {
  ChunkRef ref;
  std::shared_ptr<const archive::ShardReader> shard;
  archive::ChunkRow row;
};

/// All that is needed to decode a chunk.
struct ChunkSource {
  StoredChunk chunk;
  std::uint64_t offset_bytes = 0;   ///< in its layer
  std::optional<StoredChunk> base;  ///< where the chunk is a delta
  LayerRef base_layer;              ///< the layer of `base`
};

/// "layer 7 of shard-00000000.h5"
std::string describe(const LayerRef& layer);

/// `error` of a base, as an error of its delta: "delta of layer 7 of shard-00000000.h5: ...".
Error error_of_base(const LayerRef& base, const Error& error);

/// The chunks of one layer in order, each with its base chunk. Main thread only. A base is never a delta: an archive
/// that says so is damaged, and nothing is looked up deeper than one layer.
class LayerChunks {
 public:
  /// An Error where the row is damaged, its dtype is unknown, or its base cannot be one: it does not exist, lies in a
  /// later shard, has another dtype, or is a delta.
  static Result<LayerChunks> open(archive::ShardSet& shards, const LayerRef& layer);

  const archive::LayerRow& row() const noexcept { return own_.row; }
  const LayerRef& place() const noexcept { return own_.place; }
  DType dtype() const noexcept { return dtype_; }
  bool at_end() const noexcept { return own_.next == own_.row.n_chunks; }

  /// The next chunk. An Error where its size does not fit its layer, or it is a delta and the base has no chunk at the
  /// same byte.
  Result<ChunkSource> next();

 private:
  /// A layer and the next of its chunks.
  struct Position {
    LayerRef place;
    std::shared_ptr<archive::ShardReader> shard;
    archive::LayerRow row;
    std::uint32_t next = 0;          ///< number of the next chunk
    std::uint64_t offset_bytes = 0;  ///< of the next chunk in the layer
    Result<StoredChunk> step(DType dtype);
  };

  Result<void> open_base(archive::ShardSet& shards);
  Result<StoredChunk> base_chunk(std::uint32_t number, std::uint64_t offset_bytes);

  Position own_;
  std::optional<Position> base_;
  DType dtype_ = DType::Bytes;
};

}  // namespace elves::restore
