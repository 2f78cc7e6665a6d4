#include "archive/catalog.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "archive/shard_reader.hpp"
#include "support/file_kind.hpp"
#include "support/sketch_limit.hpp"
#include "support/try.hpp"

namespace elves::archive {
namespace {

/// Rounds in which each rank reads at most one shard: `body(shard or nothing)` is called equally often on all ranks.
template <class Body>
void for_each_shard(const mpi::Comm& comm, const ArchiveDir& directory, Body body) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  const auto n = directory.shards.size();
  for (std::size_t round = 0; round * ranks < n; ++round) {
    const auto mine = round * ranks + static_cast<std::size_t>(comm.rank());
    body(mine < n ? std::optional(directory.shards[mine]) : std::nullopt);
  }
}

Result<void> read_layers(ShardReader& reader, std::uint32_t shard, std::vector<KnownLayer>& layers) {
  for (std::uint64_t row = 0; row < reader.rows(LayerRow::kTable); ++row) {
    ELVES_TRY(const auto layer, reader.layer(row));
    const auto dtype = dtype_from_number(layer.dtype);
    if (!dtype) return Error{fmt::format("{}: unknown dtype {}", shard_name(shard), layer.dtype)};
    layers.push_back({.fingerprint = to_hash(layer.fingerprint),
                      .decoded = to_hash(layer.decoded),
                      .size_bytes = layer.size_bytes,
                      .place = {shard, row},
                      .loss = {layer.loss_id},
                      .dtype = *dtype});
  }
  return {};
}

/// All rows of /files: `files` are those of the rows that the history gets, in the same order.
Result<void> read_files(ShardReader& reader, std::uint32_t shard, FileHistory& history, std::vector<KnownFile>& files) {
  for (std::uint64_t row = 0; row < reader.rows(FileRow::kTable); ++row) {
    ELVES_TRY(const auto file, reader.file(row));
    ELVES_TRY(const auto path, reader.path(file));
    history.add(path, static_cast<FileKind>(file.kind), order_of(shard, row), file.size_bytes);
    files.push_back({history.path(history.size() - 1), file.state, {file.loss_id}});
  }
  return {};
}

/// Sketched layers without a base: later layers of their dtype and shape are compared with them.
Result<void> read_sketched(ShardReader& reader, std::uint32_t shard, std::vector<KnownBase>& bases) {
  for (std::uint64_t row = 0; row < reader.rows(SketchRow::kTable); ++row) {
    ELVES_TRY(const auto sketch, reader.sketch(row));
    ELVES_TRY(const auto layer, reader.layer(sketch.layer));
    if (layer.base_shard != kNoShard) continue;
    ELVES_TRY(auto shape, reader.shape(layer.shape_offset, layer.ndim));
    ELVES_TRY(const auto text, reader.names(sketch.name_offset, sketch.n_bytes));
    const auto bytes = std::as_bytes(std::span(text));
    bases.push_back({.place = {shard, sketch.layer},
                     .model = to_hash(sketch.model),
                     .name = to_hash(sketch.name),
                     .dtype = static_cast<DType>(layer.dtype),  // read_layers has checked it
                     .shape = std::move(shape),
                     .part = sketch.part,
                     .size_bytes = layer.size_bytes,
                     .sketch = {bytes.begin(), bytes.end()}});
  }
  return {};
}

/// Small layers of a file: layers of the same name in deltas of its model are compared with them. Their rows may lie in
/// other shards, so it is not known here which of them have a base.
Result<void> read_small(ShardReader& reader, const FileRow& file, const Hash128& model, std::vector<KnownBase>& bases) {
  for (std::uint64_t e = 0; e < file.n_extents; ++e) {
    ELVES_TRY(const auto extent, reader.extent(file.first_extent + e));
    const auto dtype = dtype_from_number(extent.dtype);
    if (!dtype) return Error{fmt::format("an extent of unknown dtype {}", extent.dtype)};
    if (extent.is_layer == 0 || extent.size_bytes == 0 || extent.size_bytes >= kLeastSketchedBytes) continue;
    if (block_elements(*dtype) != 1) continue;
    ELVES_TRY(const auto name, reader.names(extent.name_offset, extent.name_bytes));
    ELVES_TRY(auto shape, reader.shape(extent.name_offset + extent.name_bytes, extent.ndim));
    bases.push_back({.place = {extent.layer_shard, extent.layer_row},
                     .model = model,
                     .name = hash128(name),
                     .dtype = *dtype,
                     .shape = std::move(shape),
                     .part = extent.part,
                     .size_bytes = extent.size_bytes,
                     .sketch = {}});
  }
  return {};
}

Result<void> read_bases(ShardReader& reader, std::uint32_t shard, std::vector<KnownBase>& bases) {
  ELVES_CHECK(read_sketched(reader, shard, bases));
  for (std::uint64_t row = 0; row < reader.rows(FileRow::kTable); ++row) {
    ELVES_TRY(const auto file, reader.file(row));
    ELVES_TRY(const auto model, reader.model_id(file));
    ELVES_CHECK(read_small(reader, file, hash128(model), bases));
  }
  return {};
}

Result<void> read_models(ShardReader& reader, std::map<Hash128, std::string>& models) {
  for (std::uint64_t row = 0; row < reader.rows(ModelRow::kTable); ++row) {
    ELVES_TRY(const auto model, reader.model(row));
    ELVES_TRY(const auto id, reader.names(model.id_offset, model.id_bytes));
    models.emplace(hash128(id), id);
  }
  return {};
}

/// What load_catalog() reads of one shard.
struct ShardContents {
  std::vector<KnownLayer> layers;
  std::vector<KnownBase> bases;
  std::uint64_t sweep = 0;
};

Result<ShardContents> read_shard(const ArchiveDir& directory, std::uint32_t shard, bool with_bases,
                                 FileHistory& history, Catalog& catalog) {
  ELVES_TRY(auto reader, ShardReader::open(directory, shard));
  ShardContents contents;
  contents.sweep = reader.sweep();
  ELVES_CHECK(read_layers(reader, shard, contents.layers));
  ELVES_CHECK(read_files(reader, shard, history, catalog.known_files));
  ELVES_CHECK(read_models(reader, catalog.model_names));
  if (with_bases) ELVES_CHECK(read_bases(reader, shard, contents.bases));
  return contents;
}

/// Leaves the current rows. The files are those of the history's rows.
void drop_not_current(const std::vector<RowState>& states, std::vector<KnownFile>& files) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (states[i] == RowState::Current) files[n++] = files[i];
  }
  files.resize(n);
}

}  // namespace

Catalog load_catalog(const mpi::Comm& comm, const ArchiveDir& directory, FileHistory& history,
                     const TakeLayers& take_layers, const TakeBases& take_bases) {
  Catalog catalog;
  std::uint64_t sweep = 0;
  for_each_shard(comm, directory, [&](std::optional<std::uint32_t> shard) {
    Result<ShardContents> contents = ShardContents{};
    if (shard) contents = read_shard(directory, *shard, static_cast<bool>(take_bases), history, catalog);
    comm.agree(contents ? Result<void>{} : Result<void>{contents.error()}, "archive: read the catalog");
    sweep = std::max(sweep, contents->sweep);
    if (take_bases) take_bases(std::move(contents->bases));
    take_layers(contents->layers);
  });
  drop_not_current(history.states(comm), catalog.known_files);
  catalog.next_shard = directory.shards.empty() ? 0 : directory.shards.back() + 1;
  catalog.next_sweep = comm.max(sweep) + 1;
  return catalog;
}

}  // namespace elves::archive
