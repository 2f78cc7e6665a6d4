#include "restore/decode/file_decoder.hpp"

#include <omp.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "elves/codec.hpp"
#include "restore/decode/chunk_decoder.hpp"
#include "restore/decode/group_by_base.hpp"
#include "restore/decode/layer_chunks.hpp"
#include "support/assert.hpp"
#include "support/text.hpp"

namespace elves::restore {
namespace {

constexpr std::size_t kBatchBytesPerThread = std::size_t{64} << 20;
constexpr std::size_t kBatchTasks = 4096;
constexpr std::size_t kBatchFiles = kOpenFiles / 2 - 1;  // a batch is planned, another one decoded
constexpr std::size_t kStrandRuns = 8;
constexpr std::uint64_t kLeastSharedBytes = 64 << 10;  // less is decoded sooner than shared

/// A file that has begun and not ended.
struct Running {
  std::size_t index = 0;
  archive::FileRef ref;
  ArchivedFile file;
  Result<void> outcome;
  std::vector<Hash128> layer_digests;
  std::size_t n_pending = 0;  ///< tasks that are not done
  bool read_fully = false;    ///< no more tasks will come

  void fail(const Error& error) {
    if (outcome) outcome = error;
  }
};

/// A layer of a running file, whose chunks come in in any order.
struct RunningLayer {
  Running* file = nullptr;
  std::uint64_t extent = 0;  ///< row of /extents
  archive::LayerRow row;
  std::vector<Hash128> digests;  ///< of its chunks
  std::size_t n_pending = 0;
};

/// A chunk of a file, to be decoded.
struct Task {
  std::shared_ptr<RunningLayer> layer;
  std::size_t number = 0;  ///< of the chunk in its layer
  ChunkSource source;
  std::uint64_t file_offset = 0;
  bool is_shared = false;  ///< tasks beside it need the bytes too
  Hash128 digest;
  std::optional<Error> error;

  std::size_t file() const { return layer->file->index; }
  std::uint32_t size_bytes() const { return source.chunk.row.raw_bytes; }
  /// The decoded chunk that it needs or is.
  std::optional<ChunkPlace> needs() const {
    if (source.base) return source.base->place;
    return is_shared ? std::optional(source.chunk.place) : std::nullopt;
  }
};

/// Tasks that follow each other in a file, together at most one chunk long.
struct Run {
  std::size_t first = 0;
  std::size_t last = 0;  ///< one past the end
  std::size_t size_bytes = 0;
};

/// Runs that need the same base, one after the other: for one thread, which has its bytes at hand.
struct Strand {
  std::size_t first = 0;
  std::size_t last = 0;  ///< one past the end
};

struct Batch {
  std::vector<Task> tasks;
  std::vector<Run> runs;
  std::vector<Strand> strands;
  std::size_t size_bytes = 0;
  std::size_t n_files = 0;

  void add(Task task) {
    if (!joins(task)) begin_run(task);
    ++runs.back().last;
    runs.back().size_bytes += task.size_bytes();
    size_bytes += task.size_bytes();
    tasks.push_back(std::move(task));
  }

 private:
  bool joins(const Task& task) const {
    if (runs.empty() || task.is_shared) return false;
    const auto& before = tasks.back();
    return before.file() == task.file() && !before.is_shared &&
           before.file_offset + before.size_bytes() == task.file_offset &&
           runs.back().size_bytes + task.size_bytes() <= kChunkBytes;
  }

  void begin_run(const Task& task) {
    const auto needs = task.needs();
    const bool same = needs && !tasks.empty() && needs == tasks.back().needs() &&
                      strands.back().last - strands.back().first < kStrandRuns;
    if (!same) strands.push_back({runs.size(), runs.size()});
    runs.push_back({tasks.size(), tasks.size(), 0});
    ++strands.back().last;
  }
};

/// Decodes batches with OpenMP threads, in the background of the main thread.
class BatchDecoder {
 public:
  BatchDecoder(const KeyedHash& hash, int threads, FileVisitor& visitor)
      : hash_(hash), visitor_(visitor), bases_(BaseCache::ordered_bytes(threads)) {
    for (int t = 0; t < threads; ++t) workers_.emplace_back(bases_);
  }

  void start(Batch batch) {
    batch_ = std::move(batch);
    if (!batch_.runs.empty()) running_ = std::async(std::launch::async, [this] { run(); });
  }

  /// Waits for the batch that was started last, if any.
  Batch finish() {
    if (running_.valid()) running_.get();
    return std::exchange(batch_, {});
  }

  std::uint64_t n_shared_decoded() const { return bases_.n_decoded(); }

 private:
  struct Worker {
    explicit Worker(BaseCache& bases) : decoder(bases) {}
    ChunkDecoder decoder;
    std::unique_ptr<std::byte[]> decoded;
    std::vector<DecodedPiece> pieces;
  };

  void run() {
    const auto n = static_cast<std::ptrdiff_t>(batch_.strands.size());
#pragma omp parallel for schedule(dynamic) num_threads(static_cast <int>(workers_.size()))
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      const auto& strand = batch_.strands[static_cast<std::size_t>(i)];
      for (auto r = strand.first; r < strand.last; ++r) {
        const auto& run = batch_.runs[r];
        try {
          decode(run, workers_[static_cast<std::size_t>(omp_get_thread_num())]);
        } catch (const std::exception& error) {  // out of memory: must not leave the parallel region
          batch_.tasks[run.first].error = Error{error.what()};
        }
      }
    }
  }

  void decode(const Run& run, Worker& worker) {
    auto& first = batch_.tasks[run.first];
    if (first.is_shared) return decode_shared(first, worker);
    if (!worker.decoded) worker.decoded = std::make_unique_for_overwrite<std::byte[]>(kChunkBytes);
    worker.pieces.clear();
    std::size_t at = 0;
    for (auto t = run.first; t < run.last; ++t) {
      auto& task = batch_.tasks[t];
      const std::span out(worker.decoded.get() + at, task.size_bytes());
      const auto digest = worker.decoder.decode(task.source, hash_, out);
      if (!digest) {
        task.error = digest.error();
        return;
      }
      task.digest = *digest;
      worker.pieces.push_back(piece_of(task, out));
      at += out.size();
    }
    hand_over(first, worker);
  }

  void decode_shared(Task& task, Worker& worker) {
    const auto bytes = worker.decoder.shared(task.source.chunk);
    if (!bytes) {
      task.error = bytes.error();
      return;
    }
    task.digest = hash_(bytes->span());
    worker.pieces.assign(1, piece_of(task, bytes->span()));
    hand_over(task, worker);
  }

  static DecodedPiece piece_of(const Task& task, std::span<const std::byte> bytes) {
    const auto& layer = task.layer->row;
    return {task.file_offset, bytes, task.source.chunk.place.dtype, layer.loss_id == 0, layer.max_abs_error};
  }

  void hand_over(Task& first, Worker& worker) {
    if (auto taken = visitor_.pieces(first.file(), worker.pieces); !taken) first.error = taken.error();
  }

  const KeyedHash& hash_;
  FileVisitor& visitor_;
  BaseCache bases_;
  std::vector<Worker> workers_;
  Batch batch_;
  std::future<void> running_;  // last: ends before what it uses
};

/// An extent of a running file.
struct Item {
  Running* file = nullptr;
  std::uint64_t extent = 0;  ///< row of /extents
  std::uint64_t file_offset = 0;
  std::uint64_t size_bytes = 0;
  LayerRef layer;
  LayerRef leader;  ///< its layer's base, or the layer itself
};

class Job {
 public:
  Job(archive::ShardSet& shards, const archive::Directory& directory, int threads, FileVisitor& visitor)
      : shards_(shards),
        hash_(directory.identity.hash_secret),
        batch_bytes_(kBatchBytesPerThread * static_cast<std::size_t>(std::max(1, threads))),
        visitor_(visitor),
        decoder_(hash_, std::max(1, threads), visitor) {}

  void add(const FileGroup& group, std::span<const archive::FileRef> refs) {
    if (planned_.n_files + group.size() > kBatchFiles) next_batch();
    n_beginning_ = group.size();
    planned_.n_files += group.size();
    std::vector<Item> items;
    for (const auto index : group) begin(index, refs[index], items);
    if (group.size() > 1) std::ranges::stable_sort(items, {}, &Item::leader);
    for (auto first = items.begin(); first != items.end();) {
      auto last = first + 1;  // alone, a file is decoded from front to back
      while (group.size() > 1 && last != items.end() && last->leader == first->leader) ++last;
      add_bundle(std::span(first, last));
      first = last;
    }
    for (auto file = running_.rbegin(); n_beginning_ > 0; ++file, --n_beginning_) file->read_fully = true;
  }

  DecodeSummary finish() {
    next_batch();
    next_batch();
    ELVES_ASSERT(running_.empty());
    return {.shared_chunks = decoder_.n_shared_decoded()};
  }

 private:
  void begin(std::size_t index, const archive::FileRef& ref, std::vector<Item>& items) {
    auto file = read_file_row(shards_, ref);
    auto& running =
        running_.emplace_back(Running{.index = index, .ref = ref, .file = {}, .outcome = {}, .layer_digests = {}});
    if (!file) return running.fail(file.error());
    running.file = std::move(*file);
    const auto n_before = items.size();
    auto ready = visitor_.begin(index, running.file);
    if (ready) ready = read_extents(running, items);
    if (ready) return;
    running.fail(ready.error());
    items.resize(n_before);
  }

  Result<void> read_extents(Running& running, std::vector<Item>& items) {
    const auto row = running.file.row;
    std::uint64_t at = 0;
    for (std::uint64_t e = row.first_extent; e - row.first_extent < row.n_extents; ++e) {
      auto shard = shards_.at(running.ref.shard);
      if (!shard) return shard.error();
      const auto extent = (*shard)->extent(e);
      if (!extent) return extent.error();
      if (extent->offset_bytes != at) return Error{"its extents leave a gap at byte " + std::to_string(at)};
      const LayerRef place{extent->layer_shard, extent->layer_row};
      auto home = shards_.at(place.shard);
      if (!home) return home.error();
      const auto layer = (*home)->layer(place.row);
      if (!layer) return layer.error();
      if (layer->size_bytes != extent->size_bytes) return Error{"a layer has another size than its extent"};
      running.layer_digests.push_back(archive::to_hash(layer->decoded));  // take() holds the bytes against it
      const bool rests = layer->base_shard != archive::kNoShard;
      items.push_back(
          {&running, e, at, extent->size_bytes, place, rests ? LayerRef{layer->base_shard, layer->base_row} : place});
      at += extent->size_bytes;
    }
    if (at != row.size_bytes)
      return Error{"its extents end at byte " + std::to_string(at) + " of " + std::to_string(row.size_bytes)};
    return {};
  }

  /// An extent whose chunks are being planned.
  struct Open {
    const Item* item = nullptr;
    LayerChunks chunks;
    std::shared_ptr<RunningLayer> layer;
    std::uint64_t at = 0;  ///< bytes planned
  };

  /// Plans extents that need the same base, or are of the same layer, chunk by chunk side by side.
  void add_bundle(std::span<const Item> items) {
    std::vector<Open> bundle;
    for (const auto& item : items) {
      if (!item.file->outcome) continue;
      auto chunks = LayerChunks::open(shards_, item.layer);
      if (!chunks) {
        item.file->fail(named(*item.file, item.extent, chunks.error()));
        continue;
      }
      auto layer = std::make_shared<RunningLayer>(item.file, item.extent, chunks->row());
      bundle.push_back({&item, std::move(*chunks), std::move(layer), 0});
    }
    while (!bundle.empty()) {
      const bool several = bundle.size() > 1;
      for (auto& open : bundle) add_chunk(open, several);
      std::erase_if(bundle, [](const Open& open) { return open.chunks.at_end() || !open.item->file->outcome; });
    }
  }

  void add_chunk(Open& open, bool several) {
    if (open.chunks.at_end()) return;
    if (planned_.size_bytes + kChunkBytes > batch_bytes_ || planned_.tasks.size() >= kBatchTasks) next_batch();
    auto& file = *open.item->file;
    if (!file.outcome) return;
    auto source = open.chunks.next();
    if (!source) return file.fail(named(file, open.item->extent, source.error()));
    auto& layer = *open.layer;
    const bool is_shared =
        several && open.item->layer == open.item->leader && open.item->size_bytes >= kLeastSharedBytes;
    const auto size_bytes = source->chunk.row.raw_bytes;
    planned_.add({.layer = open.layer,
                  .number = layer.digests.size(),
                  .source = std::move(*source),
                  .file_offset = open.item->file_offset + open.at,
                  .is_shared = is_shared,
                  .digest = {},
                  .error = {}});
    layer.digests.emplace_back();
    ++layer.n_pending;
    ++file.n_pending;
    open.at += size_bytes;
  }

  /// Starts the planned batch, and ends what the one before it has finished.
  void next_batch() {
    const auto done = decoder_.finish();
    decoder_.start(std::exchange(planned_, {}));
    planned_.n_files = n_beginning_;
    for (const auto& task : done.tasks) take(task);
    while (!running_.empty() && running_.front().read_fully && running_.front().n_pending == 0) end_front();
  }

  void take(const Task& task) {
    auto& layer = *task.layer;
    auto& running = *layer.file;
    --running.n_pending;
    --layer.n_pending;
    if (task.error) running.fail(named(running, layer.extent, *task.error));
    if (!running.outcome) return;
    layer.digests[task.number] = task.digest;
    const bool is_whole = layer.n_pending == 0 && layer.digests.size() == layer.row.n_chunks;
    if (is_whole && hash_.combine(layer.digests) != archive::to_hash(layer.row.decoded))
      running.fail(Error{"a layer decodes to other bytes than were archived (digest)"});
  }

  void end_front() {
    auto& running = running_.front();
    if (running.outcome && has_content(running.file.kind()) &&
        hash_.combine(running.layer_digests) != archive::to_hash(running.file.row.restored))
      running.fail(Error{"the file's digest is not the recorded one"});
    visitor_.end(running.index, running.file, running.outcome);
    running_.pop_front();
  }

  /// With the name of the layer, where there is one.
  Error named(const Running& running, std::uint64_t row, const Error& error) {
    auto shard = shards_.at(running.ref.shard);
    if (!shard) return error;
    const auto extent = (*shard)->extent(row);
    if (!extent || extent->is_layer == 0) return error;
    const auto name = (*shard)->names(extent->name_offset, extent->name_bytes);
    return name ? Error{"layer " + printable(*name) + ": " + error.message} : error;
  }

  archive::ShardSet& shards_;
  KeyedHash hash_;
  std::size_t batch_bytes_;
  FileVisitor& visitor_;
  std::deque<Running> running_;
  std::size_t n_beginning_ = 0;  ///< the last of `running_`: more tasks may come
  Batch planned_;
  BatchDecoder decoder_;
};

}  // namespace

Result<ArchivedFile> read_file_row(archive::ShardSet& shards, const archive::FileRef& file) {
  auto shard = shards.at(file.shard);
  if (!shard) return shard.error();
  const auto row = (*shard)->file(file.row);
  if (!row) return row.error();
  auto path = (*shard)->path(*row);
  if (!path) return path.error();
  auto target = (*shard)->target(*row);
  if (!target) return target.error();
  return ArchivedFile{*row, *path, *target};
}

DecodeSummary decode_files(archive::ShardSet& shards, const archive::Directory& directory,
                           std::span<const archive::FileRef> files, int threads, FileVisitor& visitor) {
  Job job(shards, directory, threads, visitor);
  for (const auto& group : group_by_base(shards, files, kBatchFiles)) job.add(group, files);
  return job.finish();
}

}  // namespace elves::restore
