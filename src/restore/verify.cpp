#include "restore/verify.hpp"

#include <omp.h>

#include <algorithm>
#include <compare>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "archive/shard_reader.hpp"
#include "elves/codec.hpp"
#include "restore/decode/chunk_decoder.hpp"
#include "restore/decode/file_decoder.hpp"
#include "restore/decode/layer_chunks.hpp"

namespace elves::restore {
namespace {

/// One layer at a time would leave threads idle; all at once would fill memory.
constexpr std::size_t kTasksPerThread = 128;
constexpr std::size_t kStrandTasks = 8;
constexpr std::size_t kToldPerShard = 1000;
/// Layers that are read side by side, and the shards that they may lie in: each shard that is held has files open.
constexpr std::size_t kBundleLayers = 4096;
constexpr std::size_t kBundleShards = 8;
constexpr std::size_t kHeldShards = 16;

/// A layer that is checked, whose chunks come in in any order.
struct CheckedLayer {
  LayerRef place;
  archive::LayerRow row;
  std::vector<Hash128> digests;  ///< of its chunks
  std::size_t n_pending = 0;
  std::string error;

  void fail(const std::string& what) {
    if (error.empty()) error = what;
  }
};

/// A chunk of it.
struct Task {
  std::shared_ptr<CheckedLayer> layer;
  std::size_t number = 0;  ///< of the chunk in its layer
  ChunkSource source;
  bool is_shared = false;  ///< layers beside it rest on it
  Hash128 digest;
  std::optional<Error> error;

  std::optional<ChunkPlace> needs() const {
    if (source.base) return source.base->place;
    return is_shared ? std::optional(source.chunk.place) : std::nullopt;
  }
};

/// Differences by shard. One that is damaged all over is told in a thousand lines.
class Differences {
 public:
  explicit Differences(VerifySummary& summary) : summary_(summary) {}
  void tell(std::uint32_t shard, const std::string& where, const std::string& what) {
    if (++told_[shard] <= kToldPerShard) summary_.differences.push_back({where, what});
  }

 private:
  VerifySummary& summary_;
  std::map<std::uint32_t, std::size_t> told_;
};

/// Decodes layers and holds them against their digests.
class LayerChecker {
 public:
  LayerChecker(archive::ShardSet& shards, const KeyedHash& hash, int threads, VerifySummary& summary,
               Differences& differences)
      : shards_(shards),
        hash_(hash),
        summary_(summary),
        differences_(differences),
        bases_(BaseCache::ordered_bytes(std::max(1, threads))) {
    for (int t = 0; t < std::max(1, threads); ++t) workers_.emplace_back(bases_);
  }

  /// Layers that are equal in what they rest on; the base itself may be among them. Of few shards.
  void add(std::span<const LayerRef> bundle) {
    std::vector<Open> open;
    for (const auto& place : bundle) {
      auto chunks = LayerChunks::open(shards_, place);
      if (!chunks) {
        differences_.tell(place.shard, name_of(place), chunks.error().message);
        continue;
      }
      if (chunks->row().base_shard != archive::kNoShard) ++summary_.references;
      auto layer = std::make_shared<CheckedLayer>(CheckedLayer{place, chunks->row(), {}, 0, {}});
      if (chunks->at_end()) judge(*layer);
      open.push_back({std::move(*chunks), std::move(layer)});
    }
    hold_shards_of(open);
    const bool several = open.size() > 1;
    while (!open.empty()) {
      for (auto& layer : open) add_chunk(layer, several);
      std::erase_if(open, [](const Open& layer) { return layer.chunks.at_end() || !layer.layer->error.empty(); });
    }
  }

  void finish() {
    decode();
    summary_.shared_chunks = bases_.n_decoded();
  }

 private:
  struct Worker {
    explicit Worker(BaseCache& bases) : decoder(bases) {}
    ChunkDecoder decoder;
    std::unique_ptr<std::byte[]> raw;
  };
  struct Open {
    LayerChunks chunks;
    std::shared_ptr<CheckedLayer> layer;
  };

  /// Ends tasks of other shards where there would be too many of them.
  void hold_shards_of(const std::vector<Open>& layers) {
    std::set<std::uint32_t> shards;
    for (const auto& layer : layers) {
      shards.insert(layer.layer->place.shard);
      if (layer.layer->row.base_shard != archive::kNoShard) shards.insert(layer.layer->row.base_shard);
    }
    held_shards_.insert(shards.begin(), shards.end());
    if (held_shards_.size() <= kHeldShards) return;
    decode();
    held_shards_ = std::move(shards);
  }

  static std::string name_of(const LayerRef& place) {
    return archive::shard_name(place.shard) + ": layer " + std::to_string(place.row);
  }

  void add_chunk(Open& open, bool several) {
    auto& layer = *open.layer;
    if (open.chunks.at_end() || !layer.error.empty()) return;
    auto source = open.chunks.next();
    if (source && source->chunk.row.max_abs_error > layer.row.max_abs_error)
      source = Error{"a chunk has a larger error than its layer says"};
    if (!source) {
      layer.fail(source.error().message);
      if (layer.n_pending == 0) judge(layer);
      return;
    }
    const bool is_shared = several && layer.row.base_shard == archive::kNoShard;
    tasks_.push_back({open.layer, layer.digests.size(), std::move(*source), is_shared, {}, {}});
    layer.digests.emplace_back();
    ++layer.n_pending;
    if (tasks_.size() >= kTasksPerThread * workers_.size()) decode();
  }

  /// Tasks that need the same base are done one after the other by one thread, which has its bytes at hand.
  std::vector<std::size_t> strands() const {
    std::vector<std::size_t> begins;
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
      const auto needs = tasks_[i].needs();
      const bool same = i > 0 && needs && needs == tasks_[i - 1].needs() && i - begins.back() < kStrandTasks;
      if (!same) begins.push_back(i);
    }
    begins.push_back(tasks_.size());
    return begins;
  }

  void decode() {
    const auto begins = strands();
    const auto n = static_cast<std::ptrdiff_t>(begins.size()) - 1;
#pragma omp parallel for schedule(dynamic) num_threads(static_cast <int>(workers_.size()))
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      const auto strand = static_cast<std::size_t>(i);
      for (auto t = begins[strand]; t < begins[strand + 1]; ++t) {
        try {
          decode(tasks_[t], workers_[static_cast<std::size_t>(omp_get_thread_num())]);
        } catch (const std::exception& error) {  // out of memory: must not leave the parallel region
          tasks_[t].error = Error{error.what()};
        }
      }
    }
    for (const auto& task : tasks_) take(task);
    tasks_.clear();
  }

  void decode(Task& task, Worker& worker) const {
    if (task.is_shared) {
      const auto bytes = worker.decoder.shared(task.source.chunk);
      if (!bytes)
        task.error = bytes.error();
      else
        task.digest = hash_(bytes->span());
      return;
    }
    if (!worker.raw) worker.raw = std::make_unique_for_overwrite<std::byte[]>(kChunkBytes);
    const auto digest = worker.decoder.decode(task.source, hash_, {worker.raw.get(), task.source.chunk.row.raw_bytes});
    if (digest)
      task.digest = *digest;
    else
      task.error = digest.error();
  }

  void take(const Task& task) {
    auto& layer = *task.layer;
    summary_.decoded_bytes += task.source.chunk.row.raw_bytes;
    ++summary_.chunks;
    layer.digests[task.number] = task.digest;
    if (task.error) layer.fail(task.error->message);
    --layer.n_pending;
    const bool is_planned = layer.digests.size() == layer.row.n_chunks || !layer.error.empty();
    if (layer.n_pending == 0 && is_planned) judge(layer);
  }

  void judge(CheckedLayer& layer) {
    ++summary_.layers;
    if (layer.error.empty() && hash_.combine(layer.digests) != archive::to_hash(layer.row.decoded))
      layer.fail("decodes to other bytes than were archived (digest)");
    if (layer.error.empty() && layer.row.loss_id == 0 &&
        archive::to_hash(layer.row.decoded) != archive::to_hash(layer.row.fingerprint))
      layer.fail("is recorded as exact and is not");
    if (!layer.error.empty()) differences_.tell(layer.place.shard, name_of(layer.place), layer.error);
  }

  archive::ShardSet& shards_;
  const KeyedHash& hash_;
  VerifySummary& summary_;
  Differences& differences_;
  BaseCache bases_;
  std::vector<Worker> workers_;
  std::vector<Task> tasks_;
  std::set<std::uint32_t> held_shards_;  ///< of tasks, and of layers that are read
};

/// Checks the shards of one rank: their layers in an order in which bases are decoded once, then the other tables.
class ArchiveChecker {
 public:
  ArchiveChecker(const archive::Directory& directory, archive::ShardSet& shards, int threads, VerifySummary& summary)
      : shards_(shards),
        hash_(directory.identity.hash_secret),
        differences_(summary),
        layers_(shards, hash_, threads, summary, differences_),
        summary_(summary) {}

  /// `mine`: in ascending order.
  void check(std::span<const std::uint32_t> mine) {
    mine_ = mine;
    for (const auto shard : mine) find_references(shard);
    std::ranges::sort(resting_);
    for (const auto shard : mine) check_alone(shard);
    check_resting();
    layers_.finish();
    for (const auto shard : mine) {
      auto reader = shards_.at(shard);
      if (!reader) continue;
      check_files(shard, **reader);
      check_models(shard, **reader);
      check_sketches(shard, **reader);
    }
  }

 private:
  /// A layer, and the one that it is a difference from.
  struct Resting {
    LayerRef base;
    LayerRef layer;
    auto operator<=>(const Resting&) const = default;
  };

  void find_references(std::uint32_t shard) {
    auto reader = shards_.at(shard);
    if (!reader) return differences_.tell(shard, archive::shard_name(shard), reader.error().message);
    ++summary_.shards;
    for (std::uint64_t row = 0; row < (*reader)->rows(archive::LayerRow::kTable); ++row) {
      const auto layer = (*reader)->layer(row);
      if (layer && layer->base_shard != archive::kNoShard)
        resting_.push_back({{layer->base_shard, layer->base_row}, {shard, row}});
    }
  }

  bool rests_or_is_base(const archive::LayerRow& row, const LayerRef& place) const {
    if (row.base_shard != archive::kNoShard) return true;
    const auto at = std::ranges::lower_bound(resting_, place, {}, &Resting::base);
    return at != resting_.end() && at->base == place;
  }

  void check_alone(std::uint32_t shard) {
    auto reader = shards_.at(shard);
    if (!reader) return;
    for (std::uint64_t row = 0; row < (*reader)->rows(archive::LayerRow::kTable); ++row) {
      const LayerRef place{shard, row};
      const auto layer = (*reader)->layer(row);
      if (!layer || !rests_or_is_base(*layer, place)) layers_.add(std::span(&place, 1));
    }
  }

  /// Whether it is a layer of this rank's shards that check_alone() left out.
  bool is_mine(const LayerRef& base) const {
    if (!std::ranges::binary_search(mine_, base.shard)) return false;
    auto reader = shards_.at(base.shard);
    if (!reader) return false;
    const auto row = (*reader)->layer(base.row);
    return row && row->base_shard == archive::kNoShard;
  }

  /// Of each base the layers that rest on it, and itself where its shard is one of this rank's.
  void check_resting() {
    std::vector<LayerRef> bundle;
    std::size_t n_shards = 0;
    for (std::size_t i = 0; i < resting_.size(); ++i) {
      const auto& [base, layer] = resting_[i];
      const bool is_first = i == 0 || resting_[i - 1].base != base;
      const bool is_other_shard = is_first || resting_[i - 1].layer.shard != layer.shard;
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
        differences_.tell(shard, archive::shard_name(shard) + ": file " + std::to_string(row), file.error().message);
      else if (auto good = check_file(reader, *file); !good)
        differences_.tell(shard, file->path, good.error().message);
    }
  }

  void check_models(std::uint32_t shard, archive::ShardReader& reader) {
    for (std::uint64_t row = 0; row < reader.rows(archive::ModelRow::kTable); ++row) {
      if (const auto model = reader.model(row); !model)
        differences_.tell(shard, archive::shard_name(shard) + ": model " + std::to_string(row), model.error().message);
    }
  }

  void check_sketches(std::uint32_t shard, archive::ShardReader& reader) {
    for (std::uint64_t row = 0; row < reader.rows(archive::SketchRow::kTable); ++row) {
      if (const auto sketch = reader.sketch(row); !sketch)
        differences_.tell(shard, archive::shard_name(shard) + ": sketch " + std::to_string(row),
                          sketch.error().message);
    }
  }

  Result<void> check_file(archive::ShardReader& reader, const ArchivedFile& file) {
    std::vector<Hash128> originals;
    std::vector<Hash128> decoded;
    std::uint64_t at = 0;
    for (std::uint64_t e = 0; e < file.row.n_extents; ++e) {
      const auto extent = reader.extent(file.row.first_extent + e);
      if (!extent) return extent.error();
      if (extent->offset_bytes != at) return Error{"its extents leave a gap at byte " + std::to_string(at)};
      at += extent->size_bytes;
      auto shard = shards_.at(extent->layer_shard);
      if (!shard) return shard.error();
      const auto layer = (*shard)->layer(extent->layer_row);
      if (!layer) return layer.error();
      if (layer->size_bytes != extent->size_bytes || layer->dtype != extent->dtype)
        return Error{"an extent and its layer differ in size or dtype"};
      originals.push_back(archive::to_hash(layer->fingerprint));
      decoded.push_back(archive::to_hash(layer->decoded));
    }
    if (at != file.row.size_bytes) return Error{"its extents do not cover it"};
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
  std::vector<Resting> resting_;  ///< of this rank's shards, by base
};

}  // namespace

void VerifySummary::add_up(const mpi::Comm& comm) {
  for (auto* counter :
       {&shards, &layers, &chunks, &files, &references, &shared_chunks, &decoded_bytes, &compared_bytes})
    *counter = comm.sum(*counter);
  max_abs_error = comm.max(max_abs_error);
}

VerifySummary verify(const mpi::Comm& comm, const archive::Directory& directory, int threads) {
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
