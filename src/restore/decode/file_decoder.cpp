#include "restore/decode/file_decoder.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "archive/file_extents.hpp"
#include "elves/codec.hpp"
#include "restore/decode/chunk_scheduler.hpp"
#include "restore/decode/group_by_base.hpp"
#include "restore/decode/layer_chunks.hpp"
#include "support/assert.hpp"
#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::restore {
namespace {

constexpr std::size_t kBatchBytesPerThread = std::size_t{64} << 20;
constexpr std::size_t kBatchTasks = 4096;
constexpr std::size_t kBatchFiles = kOpenFiles / 2 - 1;  // one batch is planned while another is decoded
constexpr std::uint64_t kLeastSharedBytes = 64 << 10;    // smaller layers: decoding is faster than sharing

/// A file that has begun and not ended.
struct ActiveFile {
  std::size_t index = 0;
  archive::FileRef ref;
  ArchivedFile file;
  Result<void> outcome;
  std::vector<Hash128> layer_digests;  ///< recorded ones; each layer's bytes are compared with its own
  std::size_t n_pending = 0;           ///< chunks that are planned and not decoded
  bool is_planned = false;             ///< all its chunks are planned

  void fail(const Error& error) {
    if (outcome) outcome = error;
  }
};

/// An extent of an active file.
struct Extent {
  ActiveFile* file = nullptr;
  std::uint64_t row = 0;  ///< of /extents
  std::uint64_t offset_bytes = 0;
  std::uint64_t size_bytes = 0;
  LayerRef layer;
  LayerRef base_or_self;  ///< the layer's base; the layer itself where it has none
};

/// The layer of an extent while its chunks are decoded.
struct ActiveLayer final : DecodingLayer {
  ActiveLayer(const Extent& of, const archive::LayerRow& layer_row) : extent(of) { row = layer_row; }
  Extent extent;
};

ActiveLayer& layer_of(const ChunkTask& task) {
  return static_cast<ActiveLayer&>(*task.layer);
}

std::uint64_t file_offset(const ChunkTask& task) {
  return layer_of(task).extent.offset_bytes + task.source.offset_bytes;
}

bool is_adjacent(const ChunkTask& before, const ChunkTask& task) {
  return layer_of(before).extent.file == layer_of(task).extent.file &&
         file_offset(before) + before.size_bytes() == file_offset(task);
}

Result<void> pass_on(FileVisitor& visitor, std::span<const ChunkTask> run, std::span<const std::byte> bytes) {
  std::vector<DecodedPiece> pieces;
  pieces.reserve(run.size());
  for (std::size_t at = 0; const auto& task : run) {
    const auto& row = task.layer->row;
    pieces.push_back({file_offset(task), bytes.subspan(at, task.size_bytes()), task.source.chunk.ref.dtype,
                      row.loss_id == 0, row.max_abs_error});
    at += task.size_bytes();
  }
  return visitor.pieces(layer_of(run.front()).extent.file->index, pieces);
}

class FileDecoder {
 public:
  FileDecoder(archive::ShardSet& shards, const archive::ArchiveDir& directory, int threads, FileVisitor& visitor)
      : shards_(shards),
        hash_(directory.identity.hash_secret),
        visitor_(visitor),
        scheduler_(hash_, threads, [&visitor](auto run, auto bytes) { return pass_on(visitor, run, bytes); }),
        batch_bytes_(kBatchBytesPerThread * scheduler_.n_threads()) {}

  void add(const FileGroup& group, std::span<const archive::FileRef> refs) {
    if (n_planned_files_ + group.size() > kBatchFiles) next_batch();
    n_beginning_ = group.size();
    n_planned_files_ += group.size();
    std::vector<Extent> extents;
    for (const auto index : group) begin(index, refs[index], extents);
    const bool several = group.size() > 1;  // a single file is decoded from front to back
    if (several) std::ranges::stable_sort(extents, {}, &Extent::base_or_self);
    for (auto first = extents.begin(); first != extents.end();) {
      auto last = first + 1;
      while (several && last != extents.end() && last->base_or_self == first->base_or_self) ++last;
      plan_side_by_side(std::span(first, last));
      first = last;
    }
    for (auto file = active_.rbegin(); n_beginning_ > 0; ++file, --n_beginning_) file->is_planned = true;
  }

  DecodeSummary finish() {
    next_batch();
    next_batch();
    ELVES_ASSERT(active_.empty());
    return {.shared_chunks = scheduler_.n_shared_decoded()};
  }

 private:
  /// A layer whose chunks are being planned.
  struct PlannedLayer {
    std::shared_ptr<ActiveLayer> layer;
    LayerChunks chunks;
    bool at_end() const { return chunks.at_end() || !layer->extent.file->outcome; }
  };

  void begin(std::size_t index, const archive::FileRef& ref, std::vector<Extent>& extents) {
    auto& active = active_.emplace_back();
    active.index = index;
    active.ref = ref;
    if (auto ready = begin(active, extents); !ready) active.fail(ready.error());
  }

  Result<void> begin(ActiveFile& active, std::vector<Extent>& extents) {
    ELVES_TRY(active.file, read_file_row(shards_, active.ref));
    ELVES_CHECK(visitor_.begin(active.index, active.file));
    ELVES_TRY(const auto found, archive::extents_of(shards_, active.ref.shard, active.file.row));
    for (const auto& [row, extent, layer] : found) {
      active.layer_digests.push_back(archive::to_hash(layer.decoded));
      const LayerRef place{extent.layer_shard, extent.layer_row};
      const bool is_delta = layer.base_shard != archive::kNoShard;
      extents.push_back({&active, row, extent.offset_bytes, extent.size_bytes, place,
                         is_delta ? LayerRef{layer.base_shard, layer.base_row} : place});
    }
    return {};
  }

  /// Plans layers that have the same base, or are the same, chunk by chunk in turn.
  void plan_side_by_side(std::span<const Extent> extents) {
    std::vector<PlannedLayer> layers;
    for (const auto& extent : extents) {
      if (!extent.file->outcome) continue;
      auto chunks = LayerChunks::open(shards_, extent.layer);
      if (!chunks) {
        fail(extent, chunks.error());
        continue;
      }
      auto layer = std::make_shared<ActiveLayer>(extent, chunks->row());
      layers.push_back({std::move(layer), std::move(*chunks)});
    }
    const auto is_at_end = [](const PlannedLayer& planned) { return planned.at_end(); };
    std::erase_if(layers, is_at_end);
    while (!layers.empty()) {
      const bool several = layers.size() > 1;
      for (auto& planned : layers) plan_chunk(planned, several);
      std::erase_if(layers, is_at_end);
    }
  }

  void plan_chunk(PlannedLayer& planned, bool several) {
    if (batch_.size_bytes() + kChunkBytes > batch_bytes_ || batch_.tasks().size() >= kBatchTasks) next_batch();
    if (planned.at_end()) return;
    const auto& extent = planned.layer->extent;
    auto source = planned.chunks.next();
    if (!source) return fail(extent, source.error());
    ChunkTask task;
    task.layer = planned.layer;
    task.number = planned.layer->plan_chunk();
    task.source = std::move(*source);
    task.is_shared = several && extent.layer == extent.base_or_self && extent.size_bytes >= kLeastSharedBytes;
    ++extent.file->n_pending;
    const bool adjacent = !batch_.empty() && is_adjacent(batch_.tasks().back(), task);
    batch_.add(std::move(task), adjacent);
  }

  /// Starts to decode the planned batch, and takes the results of the batch before.
  void next_batch() {
    const auto done = scheduler_.finish();
    scheduler_.start(std::exchange(batch_, {}));
    n_planned_files_ = n_beginning_;
    for (const auto& task : done.tasks()) take(task);
    while (!active_.empty() && active_.front().is_planned && active_.front().n_pending == 0) end_front();
  }

  void take(const ChunkTask& task) {
    auto& layer = layer_of(task);
    auto& file = *layer.extent.file;
    --file.n_pending;
    layer.take(task.number, task.digest);
    if (task.error) fail(layer.extent, *task.error);
    if (file.outcome && layer.is_complete() && !layer.has_recorded_digest(hash_))
      file.fail(Error{"a layer decodes to other bytes than were archived (digest)"});
  }

  void end_front() {
    auto& active = active_.front();
    if (active.outcome && has_content(active.file.kind()) &&
        hash_.combine(active.layer_digests) != archive::to_hash(active.file.row.restored))
      active.fail(Error{"the file's digest is not the recorded one"});
    visitor_.end(active.index, active.file, active.outcome);
    active_.pop_front();
  }

  /// The file ends with this error, preceded by the name of the layer where it has one.
  void fail(const Extent& extent, const Error& error) {
    const auto name = name_of(extent);
    extent.file->fail(name ? Error{fmt::format("layer {}: {}", printable(*name), error.message)} : error);
  }

  Result<std::string> name_of(const Extent& extent) {
    ELVES_TRY(const auto shard, shards_.at(extent.file->ref.shard));
    ELVES_TRY(const auto row, shard->extent(extent.row));
    if (row.is_layer == 0) return Error{"glue has no name"};
    return shard->names(row.name_offset, row.name_bytes);
  }

  archive::ShardSet& shards_;
  KeyedHash hash_;
  FileVisitor& visitor_;
  std::deque<ActiveFile> active_;    ///< in the order in which they began
  std::size_t n_beginning_ = 0;      ///< files at the end of active_ whose chunks are being planned
  std::size_t n_planned_files_ = 0;  ///< of batch_
  ChunkBatch batch_;                 ///< being planned
  ChunkScheduler scheduler_;
  std::size_t batch_bytes_;
};

}  // namespace

Result<ArchivedFile> read_file_row(archive::ShardSet& shards, const archive::FileRef& file) {
  ELVES_TRY(const auto shard, shards.at(file.shard));
  ELVES_TRY(const auto row, shard->file(file.row));
  ELVES_TRY(auto path, shard->path(row));
  ELVES_TRY(auto target, shard->target(row));
  return ArchivedFile{row, std::move(path), std::move(target)};
}

DecodeSummary decode_files(archive::ShardSet& shards, const archive::ArchiveDir& directory,
                           std::span<const archive::FileRef> files, int threads, FileVisitor& visitor) {
  FileDecoder decoder(shards, directory, threads, visitor);
  for (const auto& group : group_by_base(shards, files, kBatchFiles)) decoder.add(group, files);
  return decoder.finish();
}

}  // namespace elves::restore
