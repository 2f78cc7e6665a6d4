#include "restore/verify.hpp"

#include <algorithm>
#include <compare>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "archive/file_extents.hpp"
#include "archive/shard_reader.hpp"
#include "restore/decode/chunk_scheduler.hpp"
#include "restore/decode/file_decoder.hpp"
#include "restore/decode/layer_chunks.hpp"
#include "support/try.hpp"

namespace elves::restore {
namespace {

/// Chunks of a batch: few would leave threads idle, all of a shard would fill memory.
constexpr std::size_t kTasksPerThread = 128;
constexpr std::size_t kMostPerShard = 1000;
/// Layers that are checked side by side, and the shards they may lie in: each shard that is held has files open.
constexpr std::size_t kBundleLayers = 4096;
constexpr std::size_t kBundleShards = 8;
constexpr std::size_t kHeldShards = 16;

/// Differences found by this rank, at most kMostPerShard of a shard: a shard may be damaged all over.
class Differences {
 public:
  explicit Differences(VerifySummary& summary) : summary_(summary) {}
  void add(std::uint32_t shard, const std::string& where, const std::string& what) {
    if (++n_added_[shard] <= kMostPerShard) summary_.differences.push_back({where, what});
  }

 private:
  VerifySummary& summary_;
  std::map<std::uint32_t, std::size_t> n_added_;
};

/// A layer that is checked.
struct CheckedLayer final : DecodingLayer {
  LayerRef place;
  std::string error;

  CheckedLayer(const LayerRef& where, const archive::LayerRow& layer_row) : place(where) { row = layer_row; }
  bool is_delta() const { return row.base_shard != archive::kNoShard; }
  void fail(const std::string& what) {
    if (error.empty()) error = what;
  }
};

/// Decodes layers and compares their digests with the recorded ones.
class LayerChecker {
 public:
  LayerChecker(archive::ShardSet& shards, const KeyedHash& hash, int threads, VerifySummary& summary,
               Differences& differences)
      : shards_(shards), hash_(hash), summary_(summary), differences_(differences), scheduler_(hash, threads) {}

  /// Layers with the same base, and maybe the base itself; or one layer. They lie in few shards.
  void add(std::span<const LayerRef> places) {
    std::vector<PlannedLayer> layers;
    for (const auto& place : places) {
      auto chunks = LayerChunks::open(shards_, place);
      if (!chunks) {
        differences_.add(place.shard, name_of(place), chunks.error().message);
        continue;
      }
      auto layer = std::make_shared<CheckedLayer>(place, chunks->row());
      if (layer->is_delta()) ++summary_.deltas;
      if (chunks->at_end()) judge(*layer);
      layers.push_back({std::move(layer), std::move(*chunks)});
    }
    hold_shards_of(layers);
    const bool several = layers.size() > 1;
    const auto is_at_end = [](const PlannedLayer& planned) { return planned.at_end(); };
    std::erase_if(layers, is_at_end);
    while (!layers.empty()) {
      for (auto& planned : layers) plan_chunk(planned, several);
      std::erase_if(layers, is_at_end);
    }
  }

  void finish() {
    decode();
    summary_.shared_chunks = scheduler_.n_shared_decoded();
  }

 private:
  struct PlannedLayer {
    std::shared_ptr<CheckedLayer> layer;
    LayerChunks chunks;
    bool at_end() const { return chunks.at_end() || !layer->error.empty(); }
  };

  static std::string name_of(const LayerRef& place) {
    return fmt::format("{}: layer {}", archive::shard_name(place.shard), place.row);
  }

  /// Decodes what is planned where its shards and those of these layers would be too many.
  void hold_shards_of(const std::vector<PlannedLayer>& layers) {
    std::set<std::uint32_t> shards;
    for (const auto& planned : layers) {
      shards.insert(planned.layer->place.shard);
      if (planned.layer->is_delta()) shards.insert(planned.layer->row.base_shard);
    }
    held_shards_.insert(shards.begin(), shards.end());
    if (held_shards_.size() <= kHeldShards) return;
    decode();
    held_shards_ = std::move(shards);
  }

  void plan_chunk(PlannedLayer& planned, bool several) {
    auto& layer = *planned.layer;
    if (planned.at_end()) return;
    auto source = planned.chunks.next();
    if (source && source->chunk.row.max_abs_error > layer.row.max_abs_error)
      source = Error{"a chunk has a larger error than its layer records"};
    if (!source) {
      layer.fail(source.error().message);
      if (layer.n_pending == 0) judge(layer);
      return;
    }
    ChunkTask task;
    task.layer = planned.layer;
    task.number = layer.plan_chunk();
    task.source = std::move(*source);
    task.is_shared = several && !layer.is_delta();
    batch_.add(std::move(task));
    if (batch_.tasks().size() >= kTasksPerThread * scheduler_.n_threads()) decode();
  }

  void decode() {
    const auto done = scheduler_.decode(std::exchange(batch_, {}));
    for (const auto& task : done.tasks()) take(task);
  }

  void take(const ChunkTask& task) {
    auto& layer = static_cast<CheckedLayer&>(*task.layer);
    summary_.decoded_bytes += task.size_bytes();
    ++summary_.chunks;
    layer.take(task.number, task.digest);
    if (task.error) layer.fail(task.error->message);
    if (layer.is_complete() || (layer.n_pending == 0 && !layer.error.empty())) judge(layer);
  }

  void judge(CheckedLayer& layer) {
    ++summary_.layers;
    if (layer.error.empty() && !layer.has_recorded_digest(hash_))
      layer.fail("decodes to other bytes than were archived (digest)");
    if (layer.error.empty() && layer.row.loss_id == 0 &&
        archive::to_hash(layer.row.decoded) != archive::to_hash(layer.row.fingerprint))
      layer.fail("is recorded as exact but differs from the original (digest)");
    if (!layer.error.empty()) differences_.add(layer.place.shard, name_of(layer.place), layer.error);
  }

  archive::ShardSet& shards_;
  const KeyedHash& hash_;
  VerifySummary& summary_;
  Differences& differences_;
  ChunkBatch batch_;                     ///< being planned
  std::set<std::uint32_t> held_shards_;  ///< of planned chunks, and of layers that are read
  ChunkScheduler scheduler_;
};

/// Checks the shards of one rank: their layers in an order in which each base is decoded once, then the other tables.
class ArchiveChecker {
 public:
  ArchiveChecker(const archive::ArchiveDir& directory, archive::ShardSet& shards, int threads, VerifySummary& summary)
      : shards_(shards),
        hash_(directory.identity.hash_secret),
        differences_(summary),
        layers_(shards, hash_, threads, summary, differences_),
        summary_(summary) {}

  /// `mine`: in ascending order.
  void check(std::span<const std::uint32_t> mine) {
    mine_ = mine;
    for (const auto shard : mine) find_deltas(shard);
    std::ranges::sort(deltas_);
    for (const auto shard : mine) check_unrelated(shard);
    check_deltas();
    layers_.finish();
    for (const auto shard : mine) {
      auto reader = shards_.at(shard);
      if (!reader) continue;
      check_files(shard, **reader);
      check_rows(shard, **reader, archive::ModelRow::kTable, "model", &archive::ShardReader::model);
      check_rows(shard, **reader, archive::SketchRow::kTable, "sketch", &archive::ShardReader::sketch);
    }
  }

 private:
  struct Delta {
    LayerRef base;
    LayerRef layer;
    auto operator<=>(const Delta&) const = default;
  };

  void find_deltas(std::uint32_t shard) {
    auto reader = shards_.at(shard);
    if (!reader) return differences_.add(shard, archive::shard_name(shard), reader.error().message);
    ++summary_.shards;
    for (std::uint64_t row = 0; row < (*reader)->rows(archive::LayerRow::kTable); ++row) {
      const auto layer = (*reader)->layer(row);
      if (layer && layer->base_shard != archive::kNoShard)
        deltas_.push_back({{layer->base_shard, layer->base_row}, {shard, row}});
    }
  }

  bool is_delta_or_base(const archive::LayerRow& row, const LayerRef& place) const {
    if (row.base_shard != archive::kNoShard) return true;
    const auto at = std::ranges::lower_bound(deltas_, place, {}, &Delta::base);
    return at != deltas_.end() && at->base == place;
  }

  /// The layers that are neither deltas nor bases.
  void check_unrelated(std::uint32_t shard) {
    auto reader = shards_.at(shard);
    if (!reader) return;
    for (std::uint64_t row = 0; row < (*reader)->rows(archive::LayerRow::kTable); ++row) {
      const LayerRef place{shard, row};
      const auto layer = (*reader)->layer(row);
      if (!layer || !is_delta_or_base(*layer, place)) layers_.add(std::span(&place, 1));
    }
  }

  /// Whether it is a standalone layer of this rank's shards: this rank has to check it.
  bool is_mine(const LayerRef& base) const {
    if (!std::ranges::binary_search(mine_, base.shard)) return false;
    auto reader = shards_.at(base.shard);
    if (!reader) return false;
    const auto row = (*reader)->layer(base.row);
    return row && row->base_shard == archive::kNoShard;
  }

  /// Of each base its deltas, together with the base where its shard is one of this rank's.
  void check_deltas() {
    std::vector<LayerRef> bundle;
    std::size_t n_shards = 0;
    for (std::size_t i = 0; i < deltas_.size(); ++i) {
      const auto& [base, layer] = deltas_[i];
      const bool is_first = i == 0 || deltas_[i - 1].base != base;
      const bool is_other_shard = is_first || deltas_[i - 1].layer.shard != layer.shard;
      n_shards += is_other_shard ? 1 : 0;
      if (is_first || n_shards > kBundleShards || bundle.size() >= kBundleLayers) {
        layers_.add(std::exchange(bundle, {}));
        n_shards = 1;
      }
      if (is_first && is_mine(base)) bundle.push_back(base);
      bundle.push_back(layer);
    }
    layers_.add(bundle);
  }

  void check_files(std::uint32_t shard, archive::ShardReader& reader) {
    for (std::uint64_t row = 0; row < reader.rows(archive::FileRow::kTable); ++row) {
      ++summary_.files;
      const auto file = read_file_row(shards_, {shard, 0, row, 0});
      if (!file)
        differences_.add(shard, fmt::format("{}: file {}", archive::shard_name(shard), row), file.error().message);
      else if (auto good = check_file(shard, *file); !good)
        differences_.add(shard, file->path, good.error().message);
      else
        summary_.count_good(file->row);
    }
  }

  template <class Row>
  void check_rows(std::uint32_t shard, archive::ShardReader& reader, const char* table, const char* name,
                  Result<Row> (archive::ShardReader::*read)(std::uint64_t)) {
    for (std::uint64_t row = 0; row < reader.rows(table); ++row) {
      if (const auto found = (reader.*read)(row); !found)
        differences_.add(shard, fmt::format("{}: {} {}", archive::shard_name(shard), name, row), found.error().message);
    }
  }

  Result<void> check_file(std::uint32_t shard, const ArchivedFile& file) {
    ELVES_TRY(const auto extents, archive::extents_of(shards_, shard, file.row));
    std::vector<Hash128> originals;
    std::vector<Hash128> decoded;
    for (const auto& [row, extent, layer] : extents) {
      if (layer.dtype != extent.dtype) return Error{"an extent has another dtype than its layer"};
      originals.push_back(archive::to_hash(layer.fingerprint));
      decoded.push_back(archive::to_hash(layer.decoded));
    }
    if (has_content(file.kind()) && (hash_.combine(originals) != archive::to_hash(file.row.digest) ||
                                     hash_.combine(decoded) != archive::to_hash(file.row.restored)))
      return Error{"its digests are not those of its layers"};
    return {};
  }

  archive::ShardSet& shards_;
  KeyedHash hash_;
  Differences differences_;
  LayerChecker layers_;
  VerifySummary& summary_;
  std::span<const std::uint32_t> mine_;
  std::vector<Delta> deltas_;  ///< of this rank's shards, by base
};

}  // namespace

void VerifySummary::count_good(const archive::FileRow& file) {
  if (static_cast<FileKind>(file.kind) != FileKind::Regular) return;
  ++(file.loss_id == 0 ? exact_files : bounded_files);
}

void VerifySummary::add_up(const mpi::Comm& comm) {
  for (auto* counter : {&shards, &layers, &chunks, &files, &deltas, &shared_chunks, &decoded_bytes, &compared_bytes,
                        &exact_files, &bounded_files})
    *counter = comm.sum(*counter);
  max_abs_error = comm.max(max_abs_error);
}

VerifySummary verify(const mpi::Comm& comm, const archive::ArchiveDir& directory, int threads) {
  VerifySummary summary;
  archive::ShardSet shards(directory);
  if (comm.is_root()) {
    for (const auto shard : directory.missing())
      summary.differences.push_back(
          {archive::shard_name(shard), "is missing: files that changed in its sweep are known in older versions only"});
  }
  std::vector<std::uint32_t> mine;
  for (auto i = static_cast<std::size_t>(comm.rank()); i < directory.shards.size();
       i += static_cast<std::size_t>(comm.size()))
    mine.push_back(directory.shards[i]);
  ArchiveChecker(directory, shards, threads, summary).check(mine);
  summary.add_up(comm);
  return summary;
}

}  // namespace elves::restore
