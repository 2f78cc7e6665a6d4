#include "pipeline/shard_rows.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "corpus/model_id.hpp"
#include "support/assert.hpp"

namespace elves::pipeline {
namespace {

using archive::ExtentRow;
using archive::FileRow;
using archive::LayerRow;
using archive::ModelRow;
using archive::SketchRow;

/// The transform of most chunks; of equals the one with the lower number.
std::uint8_t common_transform(const std::vector<ChunkOutcome>& chunks) {
  std::array<std::size_t, kTransforms> votes{};
  for (const auto& chunk : chunks) ++votes[chunk.transform];
  return static_cast<std::uint8_t>(std::max_element(votes.begin(), votes.end()) - votes.begin());
}

const formats::Extent& extent_of(const plan::Plan& plan, const plan::Unit& unit) {
  return plan.files[unit.file].parsed.extents[unit.extent];
}

LayerRow layer_row(const plan::Unit& unit, const formats::Extent& extent, const Hash128& fingerprint,
                   const std::vector<ChunkOutcome>& chunks, LossId loss, const KeyedHash& hash,
                   archive::StringHeap& names) {
  LayerRow row;
  std::vector<Hash128> decoded;
  bool exact = true;
  for (const auto& chunk : chunks) {
    decoded.push_back(chunk.decoded);
    row.max_abs_error = std::max(+row.max_abs_error, chunk.max_abs_error);
    exact = exact && chunk.exact != 0;
  }
  archive::store(row.fingerprint, fingerprint);
  archive::store(row.decoded, hash.combine(decoded));
  row.size_bytes = unit.size_bytes;
  row.n_chunks = static_cast<std::uint32_t>(chunks.size());
  row.loss_id = exact ? kExact.value : loss.value;
  row.ndim = static_cast<std::uint16_t>(extent.shape.size());
  row.shape_offset = names.add(std::span(extent.shape));
  row.dtype = static_cast<std::uint8_t>(extent.dtype);
  row.transform = common_transform(chunks);
  return row;
}

/// Whether a chunk of the layer is a delta.
bool has_deltas(const std::vector<ChunkOutcome>& chunks) {
  return std::ranges::any_of(
      chunks, [](const ChunkOutcome& chunk) { return needs_base(static_cast<TransformId>(chunk.transform)); });
}

void count_new_layer(const formats::Extent& extent, const LayerRow& row, const std::vector<ChunkOutcome>& chunks,
                     const std::string& model, Report& report) {
  auto& sums = report.models[model];
  for (const auto& chunk : chunks) {
    auto& transform = report.transforms[chunk.transform];
    transform.raw_bytes += chunk.raw_bytes;
    transform.transformed_bytes += chunk.transformed_bytes;
    transform.encoded_bytes += chunk.encoded_bytes;
    transform.standalone_bytes += chunk.standalone_bytes;
    sums.stored_bytes += chunk.encoded_bytes;
  }
  if (extent.is_layer) ++report.transforms[row.transform].layers;
  sums.new_layers += extent.is_layer ? 1 : 0;
  report.max_abs_error = std::max(report.max_abs_error, +row.max_abs_error);
}

/// The sketch of the layer whose row is added next.
SketchRow sketch_row(const Hash128& model, const plan::Unit& unit, const formats::Extent& extent,
                     std::span<const std::byte> sketch, archive::ShardPart& part) {
  SketchRow row;
  row.layer = part.layers.size();
  archive::store(row.model, model);
  archive::store(row.name, hash128(extent.name));
  row.part = unit.part;
  row.name_offset = part.sketch_bytes.add(sketch);
  row.n_bytes = static_cast<std::uint32_t>(sketch.size());
  return row;
}

void count_delta(const plan::Unit& unit, const families::BaseChoice& choice, const std::vector<ChunkOutcome>& chunks,
                 const std::string& model, Report& report) {
  auto& sums = report.models[model].bases[choice.base.model];
  ++sums.layers;
  sums.layers_by_lineage += choice.by_lineage ? 1 : 0;
  sums.bytes += unit.size_bytes;
  for (const auto& chunk : chunks) {
    sums.stored_bytes += chunk.encoded_bytes;
    sums.standalone_bytes += chunk.standalone_bytes;
  }
}

/// Counts a layer, a part of one, or glue. Those of further names of a file (hard links) are not counted again.
void count_unit(const plan::Unit& unit, const formats::Extent& extent, bool is_new, Report& report) {
  if (!extent.is_layer) {
    report.glue_bytes += unit.size_bytes;
    if (!is_new) report.glue_duplicate_bytes += unit.size_bytes;
    return;
  }
  if (!is_new) report.duplicate_bytes += unit.size_bytes;
  if (unit.part > 0) return;  // a layer counts once, whatever its parts
  ++report.layers_total;
  if (is_new) ++report.layers_unique;
}

}  // namespace

void add_layer_rows(const plan::Plan& plan, const WaveDedup& wave,
                    const std::vector<std::vector<ChunkOutcome>>& outcomes, std::size_t first_unit_of_wave, LossId loss,
                    const KeyedHash& hash, archive::ShardPart& part, std::vector<dedup::StoredLayer>& stored,
                    Report& report) {
  const auto is_new = [&](std::size_t i) { return wave.results[i].kind == dedup::Dedup::First; };
  stored.assign(wave.units.size(), {});
  for (std::size_t i = 0; i < wave.units.size(); ++i) {
    const auto& unit = plan.units[wave.units[i]];
    const auto& extent = extent_of(plan, unit);
    if (plan.files[unit.file].entry.kind == FileKind::Regular) count_unit(unit, extent, is_new(i), report);
    if (!is_new(i)) {
      stored[i] = wave.results[i].stored;
      continue;
    }
    const auto& chunks = outcomes[wave.units[i] - first_unit_of_wave];
    ELVES_ASSERT(chunks.size() == plan::chunks_of(unit.dtype, unit.size_bytes));
    const auto model = corpus::model_of(plan.files[unit.file].entry);
    auto row = layer_row(unit, extent, wave.keys[i].fingerprint, chunks, loss, hash, part.layer_names);
    const auto& search = wave.bases[i];
    if (has_deltas(chunks)) {
      row.base_shard = search.base->base.place.shard;
      row.base_row = search.base->base.place.row;
      for (const auto& chunk : chunks) row.standalone_bytes += chunk.standalone_bytes;
      count_delta(unit, *search.base, chunks, model, report);
    }
    if (row.base_shard == archive::kNoShard && !search.sketch.empty()) {
      part.sketches.push_back(sketch_row(hash128(model), unit, extent, search.sketch, part));
    }
    part.layers.push_back(row);
    stored[i] = {wave.places[i], archive::to_hash(row.decoded), LossId{row.loss_id}};
    count_new_layer(extent, row, chunks, model, report);
  }
}

void add_chunk_rows(const AssignedWave& assigned, archive::ShardPart& part) {
  std::uint64_t at = 0;
  for (const auto& chunk : assigned.chunks) {
    if (!chunk.task.encode) continue;
    archive::ChunkRow row;
    row.payload_offset = at;
    row.encoded_bytes = static_cast<std::uint32_t>(chunk.encoded.size());
    row.raw_bytes = chunk.size_bytes;
    row.checksum = chunk.checksum;
    row.max_abs_error = chunk.stats.max_abs_error;
    row.transform = static_cast<std::uint8_t>(chunk.stats.transform);
    row.exact = chunk.stats.exact ? 1 : 0;
    part.chunks.push_back(row);
    part.payload.push_back(chunk.encoded);
    at += chunk.encoded.size();
  }
}

namespace {

/// Adds the row of one model, unless the file before it, on this rank or a lower one, belongs to the same model.
class ModelRows {
 public:
  /// Collective. `first` and `last`: models of this rank's first and last file, or nothing.
  ModelRows(const mpi::Comm& comm, const std::vector<std::string>& models) {
    struct Last {
      Hash128 model;
      std::uint64_t any;
    };
    const auto lasts =
        comm.allgather(Last{models.empty() ? Hash128{} : hash128(models.back()), models.empty() ? 0u : 1u});
    for (auto r = comm.rank() - 1; r >= 0 && !before_; --r) {
      const auto& last = lasts[static_cast<std::size_t>(r)];
      if (last.any != 0) before_ = last.model;
    }
  }

  /// The row of the file's model, relative to this rank's first; -1 is the last row of a lower rank.
  std::uint32_t row_of(const std::string& model, archive::ShardPart& part) {
    const auto hash = hash128(model);
    if (!before_ || *before_ != hash) {
      ModelRow row;
      row.id_offset = part.names.add(model);
      row.id_bytes = static_cast<std::uint32_t>(model.size());
      part.models.push_back(row);
      before_ = hash;
    }
    return static_cast<std::uint32_t>(part.models.size()) - 1;
  }

 private:
  std::optional<Hash128> before_;
};

ExtentRow extent_row(const plan::Unit& unit, const formats::Extent& extent, const UnitState& state,
                     archive::StringHeap& names) {
  ExtentRow row;
  row.offset_bytes = unit.offset_bytes;
  row.size_bytes = unit.size_bytes;
  row.layer_shard = state.stored.place.shard;
  row.layer_row = state.stored.place.row;
  row.name_bytes = static_cast<std::uint32_t>(extent.name.size());
  row.ndim = static_cast<std::uint16_t>(extent.shape.size());
  row.name_offset = names.add(extent.name);
  names.add(std::span(extent.shape));
  row.dtype = static_cast<std::uint8_t>(extent.dtype);
  row.is_layer = extent.is_layer ? 1 : 0;
  row.part = unit.part;
  row.n_parts = unit.n_parts;
  return row;
}

FileRow file_row(const plan::PlannedFile& file, archive::StringHeap& names) {
  FileRow row;
  const auto& entry = file.entry;
  row.path_bytes = static_cast<std::uint32_t>(entry.path.size());
  row.target_bytes = static_cast<std::uint32_t>(entry.target.size());
  row.path_offset = names.add(entry.path);
  names.add(entry.target);
  row.kind = static_cast<std::uint8_t>(entry.kind);
  row.container = static_cast<std::uint16_t>(file.parsed.format);
  row.mode = entry.mode;
  row.uid = entry.uid;
  row.gid = entry.gid;
  row.mtime_seconds = entry.mtime_seconds;
  row.mtime_nanoseconds = entry.mtime_nanoseconds;
  row.size_bytes = has_content(entry.kind) ? entry.size_bytes : 0;
  row.state = plan::state_of(entry);
  return row;
}

/// Gives what its layers may have lost.
LossId add_one_file(const plan::Plan& plan, const plan::PlannedFile& file, const std::vector<UnitState>& units,
                    const KeyedHash& hash, std::uint32_t model_row, archive::ShardPart& part) {
  auto row = file_row(file, part.names);
  row.model = model_row;
  row.first_extent = part.extents.size();
  row.n_extents = file.n_units;
  std::vector<Hash128> originals;
  std::vector<Hash128> decoded;
  for (std::size_t u = file.first_unit; u < file.first_unit + file.n_units; ++u) {
    part.extents.push_back(extent_row(plan.units[u], extent_of(plan, plan.units[u]), units[u], part.names));
    originals.push_back(units[u].fingerprint);
    decoded.push_back(units[u].stored.decoded);
    row.loss_id = std::max(+row.loss_id, units[u].stored.loss.value);
  }
  archive::store(row.digest, hash.combine(originals));
  archive::store(row.restored, hash.combine(decoded));
  part.files.push_back(row);
  return LossId{row.loss_id};
}

}  // namespace

void add_file_rows(const mpi::Comm& comm, const plan::Plan& plan, std::uint64_t wave,
                   const std::vector<UnitState>& units, const std::vector<bool>& failed_files, const KeyedHash& hash,
                   archive::ShardPart& part, Report& report) {
  std::vector<std::size_t> files;
  std::vector<std::string> models;
  const auto by_wave = [](const plan::PlannedFile& file, std::uint64_t w) { return file.wave < w; };
  const auto first = std::lower_bound(plan.files.begin(), plan.files.end(), wave, by_wave);
  for (auto file = first; file != plan.files.end() && file->wave == wave; ++file) {
    const auto index = static_cast<std::size_t>(file - plan.files.begin());
    if (failed_files[index]) continue;
    files.push_back(index);
    models.push_back(corpus::model_of(file->entry));
  }
  ModelRows model_rows(comm, models);
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& file = plan.files[files[i]];
    const auto row = model_rows.row_of(models[i], part);
    const auto loss = add_one_file(plan, file, units, hash, row, part);
    auto& model = report.models[models[i]];
    if (file.entry.kind == FileKind::Directory) continue;
    ++model.files;
    ++report.archived_files;
    if (file.entry.kind != FileKind::Regular) continue;
    model.bytes += file.entry.size_bytes;
    report.archived_bytes += file.entry.size_bytes;
    ++(loss.is_exact() ? report.files_exact : report.files_within_bounds);
  }
}

}  // namespace elves::pipeline
