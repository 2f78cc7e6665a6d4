#include "restore/decode/layer_chunks.hpp"

#include <fmt/format.h>

#include "support/try.hpp"

namespace elves::restore {

std::string describe(const LayerRef& layer) {
  return fmt::format("layer {} of {}", layer.row, archive::shard_name(layer.shard));
}

Error error_of_base(const LayerRef& base, const Error& error) {
  return Error{fmt::format("delta of {}: {}", describe(base), error.message)};
}

Result<LayerChunks> LayerChunks::open(archive::ShardSet& shards, const LayerRef& layer) {
  ELVES_TRY(auto shard, shards.at(layer.shard));
  ELVES_TRY(const auto row, shard->layer(layer.row));
  const auto dtype = dtype_from_number(row.dtype);
  if (!dtype) return Error{fmt::format("unknown dtype {}", row.dtype)};
  if (row.n_chunks == 0 && row.size_bytes > 0) return Error{"the layer has bytes but no chunks"};
  LayerChunks chunks;
  chunks.own_ = {.place = layer, .shard = std::move(shard), .row = row};
  chunks.dtype_ = *dtype;
  if (row.base_shard == archive::kNoShard) return chunks;
  if (auto opened = chunks.open_base(shards); !opened)
    return error_of_base({row.base_shard, row.base_row}, opened.error());
  return chunks;
}

Result<void> LayerChunks::open_base(archive::ShardSet& shards) {
  const LayerRef place{own_.row.base_shard, own_.row.base_row};
  if (place == own_.place) return Error{"a layer cannot be the base of itself"};
  if (place.shard > own_.place.shard) return Error{"a base must lie in the same or an earlier shard"};
  ELVES_TRY(auto shard, shards.at(place.shard));
  ELVES_TRY(const auto row, shard->layer(place.row));
  if (row.base_shard != archive::kNoShard) return Error{"the base is a delta itself"};
  if (row.dtype != own_.row.dtype) return Error{"the base has another dtype"};
  base_ = {.place = place, .shard = std::move(shard), .row = row};
  return {};
}

Result<StoredChunk> LayerChunks::Position::step(DType dtype) {
  const auto number = row.first_chunk + next;
  ELVES_TRY(const auto chunk, shard->chunk(number));
  if (chunk.raw_bytes == 0 || chunk.raw_bytes > kChunkBytes || chunk.encoded_bytes > kMostEncodedBytes ||
      chunk.raw_bytes > row.size_bytes - offset_bytes)
    return Error{"the size of a chunk does not fit its layer"};
  offset_bytes += chunk.raw_bytes;
  if (++next == row.n_chunks && offset_bytes != row.size_bytes)
    return Error{"the chunks have fewer bytes than their layer"};
  return StoredChunk{{place.shard, number, dtype}, shard, chunk};
}

Result<ChunkSource> LayerChunks::next() {
  const auto number = own_.next;
  const auto offset_bytes = own_.offset_bytes;
  ELVES_TRY(auto chunk, own_.step(dtype_));
  ChunkSource source{std::move(chunk), offset_bytes, {}, {}};
  if (!needs_base(static_cast<TransformId>(source.chunk.row.transform))) return source;
  if (!base_) return Error{"a chunk is a delta, but its layer names no base"};
  auto base = base_chunk(number, offset_bytes);
  if (!base) return error_of_base(base_->place, base.error());
  source.base = std::move(*base);
  source.base_layer = base_->place;
  return source;
}

/// Steps over the chunks before it: their sizes give the place of this one.
Result<StoredChunk> LayerChunks::base_chunk(std::uint32_t number, std::uint64_t offset_bytes) {
  while (base_->next <= number && base_->next < base_->row.n_chunks) {
    const auto is_last = base_->next == number;
    const auto begins = base_->offset_bytes;
    ELVES_TRY(auto chunk, base_->step(dtype_));
    if (is_last && begins == offset_bytes) return chunk;
  }
  return Error{fmt::format("the base has no chunk at byte {}", offset_bytes)};
}

}  // namespace elves::restore
