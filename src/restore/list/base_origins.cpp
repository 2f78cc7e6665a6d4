#include "restore/list/base_origins.hpp"

#include <utility>

#include "support/try.hpp"

namespace elves::restore {
namespace {

using Bases = std::map<LayerRef, NamedBase>;

Result<void> find_bases(archive::ShardReader& reader, Bases& bases) {
  for (std::uint64_t row = 0; row < reader.rows(archive::LayerRow::kTable); ++row) {
    ELVES_TRY(const auto layer, reader.layer(row));
    if (layer.base_shard != archive::kNoShard) bases.try_emplace({layer.base_shard, layer.base_row});
  }
  return {};
}

/// Names the bases that are layers of this file. A file whose layers lie in several shards has its row in the last one.
Result<void> name_from(archive::ShardReader& reader, const archive::FileRow& file, Bases& bases,
                       std::size_t& n_unnamed) {
  ELVES_TRY(const auto model, reader.model_id(file));
  for (std::uint64_t e = 0; e < file.n_extents; ++e) {
    ELVES_TRY(const auto extent, reader.extent(file.first_extent + e));
    const auto base = bases.find({extent.layer_shard, extent.layer_row});
    if (extent.is_layer == 0 || base == bases.end() || base->second.is_named) continue;
    ELVES_TRY(auto name, reader.names(extent.name_offset, extent.name_bytes));
    base->second = {.model = model, .layer = std::move(name), .is_named = true};
    --n_unnamed;
  }
  return {};
}

}  // namespace

Result<std::uint64_t> stored_bytes(archive::ShardReader& shard, const archive::LayerRow& layer) {
  std::uint64_t stored = 0;
  for (std::uint32_t c = 0; c < layer.n_chunks; ++c) {
    ELVES_TRY(const auto chunk, shard.chunk(layer.first_chunk + c));
    stored += chunk.encoded_bytes;
  }
  return stored;
}

Result<Bases> name_bases(const archive::ArchiveDir& directory, archive::ShardSet& shards) {
  Bases bases;
  for (const auto number : directory.shards) {
    ELVES_TRY(const auto shard, shards.at(number));
    ELVES_CHECK(find_bases(*shard, bases));
  }
  auto n_unnamed = bases.size();
  for (const auto number : directory.shards) {
    ELVES_TRY(const auto shard, shards.at(number));
    for (std::uint64_t row = 0; row < shard->rows(archive::FileRow::kTable) && n_unnamed > 0; ++row) {
      ELVES_TRY(const auto file, shard->file(row));
      ELVES_CHECK(name_from(*shard, file, bases, n_unnamed));
    }
  }
  return bases;
}

}  // namespace elves::restore
