#include "restore/decode/layer_chunks.hpp"

namespace elves::restore {

std::string describe(const LayerRef& layer) {
  return "layer " + std::to_string(layer.row) + " of " + archive::shard_name(layer.shard);
}

Result<LayerChunks> LayerChunks::open(archive::ShardSet& shards, const LayerRef& layer) {
  auto shard = shards.at(layer.shard);
  if (!shard) return shard.error();
  const auto row = (*shard)->layer(layer.row);
  if (!row) return row.error();
  const auto dtype = dtype_from_number(row->dtype);
  if (!dtype) return Error{"unknown dtype " + std::to_string(row->dtype)};
  if (row->n_chunks == 0 && row->size_bytes > 0) return Error{"a layer has bytes and no chunks"};
  LayerChunks chunks;
  chunks.own_ = {.place = layer, .shard = std::move(*shard), .row = *row};
  chunks.dtype_ = *dtype;
  if (row->base_shard == archive::kNoShard) return chunks;
  if (auto opened = chunks.open_base(shards); !opened)
    return Error{"rests on " + describe({row->base_shard, row->base_row}) + ": " + opened.error().message};
  return chunks;
}

Result<void> LayerChunks::open_base(archive::ShardSet& shards) {
  const LayerRef place{own_.row.base_shard, own_.row.base_row};
  if (place == own_.place) return Error{"that is itself"};
  if (place.shard > own_.place.shard) return Error{"a base lies in the same or an earlier shard"};
  auto shard = shards.at(place.shard);
  if (!shard) return shard.error();
  const auto row = (*shard)->layer(place.row);
  if (!row) return row.error();
  if (row->base_shard != archive::kNoShard) return Error{"it is a difference itself"};
  if (row->dtype != own_.row.dtype) return Error{"it has another dtype"};
  base_ = {.place = place, .shard = std::move(*shard), .row = *row};
  return {};
}

Result<StoredChunk> LayerChunks::Walk::step(DType dtype) {
  const auto number = row.first_chunk + next;
  const auto chunk = shard->chunk(number);
  if (!chunk) return chunk.error();
  if (chunk->raw_bytes == 0 || chunk->raw_bytes > kChunkBytes || chunk->encoded_bytes > kMostEncodedBytes ||
      chunk->raw_bytes > row.size_bytes - at)
    return Error{"a chunk has a size that its layer cannot have"};
  at += chunk->raw_bytes;
  if (++next == row.n_chunks && at != row.size_bytes) return Error{"the chunks of a layer are smaller than the layer"};
  return StoredChunk{{place.shard, number, dtype}, shard, *chunk};
}

Result<ChunkSource> LayerChunks::next() {
  const auto c = own_.next;
  const auto at = own_.at;
  auto chunk = own_.step(dtype_);
  if (!chunk) return chunk.error();
  ChunkSource source{std::move(*chunk), {}, {}};
  if (!needs_base(static_cast<TransformId>(source.chunk.row.transform))) return source;
  if (!base_) return Error{"a chunk is a difference, and its layer names no base"};
  auto base = base_chunk(c, at);
  if (!base) return Error{"rests on " + describe(base_->place) + ": " + base.error().message};
  source.base = std::move(*base);
  source.base_layer = base_->place;
  return source;
}

/// Steps over the chunks before, whose rows tell where this one begins.
Result<StoredChunk> LayerChunks::base_chunk(std::uint32_t c, std::uint64_t at) {
  while (base_->next < base_->row.n_chunks) {
    const auto number = base_->next;
    const auto begins = base_->at;
    auto chunk = base_->step(dtype_);
    if (!chunk) return chunk;
    if (number < c) continue;
    if (begins != at) break;
    return chunk;
  }
  return Error{"it has no chunk at byte " + std::to_string(at)};
}

}  // namespace elves::restore
