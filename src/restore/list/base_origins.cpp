#include "restore/list/base_origins.hpp"

#include <utility>

namespace elves::restore {
namespace {

using Bases = std::map<LayerRef, NamedBase>;

Result<void> find_bases(archive::ShardReader& reader, Bases& bases) {
  for (std::uint64_t row = 0; row < reader.rows(archive::LayerRow::kTable); ++row) {
    const auto layer = reader.layer(row);
    if (!layer) return layer.error();
    if (layer->base_shard != archive::kNoShard) bases.try_emplace({layer->base_shard, layer->base_row});
  }
  return {};
}

/// A file whose layers lie in several shards has its row in the last of them.
Result<void> name_from(archive::ShardReader& reader, const archive::FileRow& file, Bases& bases,
                       std::size_t& n_unnamed) {
  const auto model = reader.model(file.model);
  if (!model) return model.error();
  const auto id = reader.names(model->id_offset, model->id_bytes);
  if (!id) return id.error();
  for (std::uint64_t e = 0; e < file.n_extents; ++e) {
    const auto extent = reader.extent(file.first_extent + e);
    if (!extent) return extent.error();
    const auto base = bases.find({extent->layer_shard, extent->layer_row});
    if (extent->is_layer == 0 || base == bases.end() || base->second.is_named) continue;
    auto name = reader.names(extent->name_offset, extent->name_bytes);
    if (!name) return name.error();
    base->second.model = *id;
    base->second.layer = std::move(*name);
    base->second.is_named = true;
    --n_unnamed;
  }
  return {};
}

}  // namespace

Result<std::uint64_t> stored_bytes(archive::ShardReader& shard, const archive::LayerRow& layer) {
  std::uint64_t stored = 0;
  for (std::uint32_t c = 0; c < layer.n_chunks; ++c) {
    const auto chunk = shard.chunk(layer.first_chunk + c);
    if (!chunk) return chunk.error();
    stored += chunk->encoded_bytes;
  }
  return stored;
}

Result<Bases> name_bases(const archive::Directory& directory, archive::ShardSet& shards) {
  Bases bases;
  for (const auto number : directory.shards) {
    auto shard = shards.at(number);
    if (!shard) return shard.error();
    if (auto done = find_bases(**shard, bases); !done) return done.error();
  }
  auto n_unnamed = bases.size();
  for (const auto number : directory.shards) {
    auto shard = shards.at(number);
    if (!shard) return shard.error();
    for (std::uint64_t row = 0; row < (*shard)->rows(archive::FileRow::kTable) && n_unnamed > 0; ++row) {
      const auto file = (*shard)->file(row);
      if (!file) return file.error();
      if (auto done = name_from(**shard, *file, bases, n_unnamed); !done) return done.error();
    }
  }
  return bases;
}

}  // namespace elves::restore
