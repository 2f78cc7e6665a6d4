#include "archive/file_decoder.hpp"

#include <omp.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "archive/chunk_decoder.hpp"
#include "elves/codec.hpp"
#include "support/assert.hpp"
#include "support/text.hpp"

namespace elves::archive {
namespace {

constexpr std::size_t kBatchBytesPerThread = std::size_t{64} << 20;
constexpr std::size_t kBatchTasks = 4096;
constexpr std::size_t kBatchFiles = kOpenFiles / 2 - 1;  // a batch is planned, another one decoded

/// A chunk of a file, to be decoded.
struct Task {
  std::size_t file = 0;
  std::shared_ptr<const ShardReader> shard;
  ChunkRow chunk;
  LayerRow layer;
  DType dtype = DType::Bytes;
  std::uint64_t file_offset = 0;
  bool ends_layer = false;
  Hash128 digest;
  std::optional<Error> error;
};

/// Tasks that follow each other in a file, together at most one chunk long.
struct Run {
  std::size_t first = 0;
  std::size_t last = 0;  ///< one past the end
  std::size_t size_bytes = 0;
};

struct Batch {
  std::vector<Task> tasks;
  std::vector<Run> runs;
  std::size_t size_bytes = 0;
  std::size_t n_files = 0;

  void add(Task task) {
    const bool joins =
        !runs.empty() && tasks.back().file == task.file && runs.back().size_bytes + task.chunk.raw_bytes <= kChunkBytes;
    if (!joins) runs.push_back({tasks.size(), tasks.size(), 0});
    ++runs.back().last;
    runs.back().size_bytes += task.chunk.raw_bytes;
    size_bytes += task.chunk.raw_bytes;
    tasks.push_back(std::move(task));
  }
};

/// Decodes batches with OpenMP threads, in the background of the main thread.
class BatchDecoder {
 public:
  BatchDecoder(const KeyedHash& hash, int threads, FileVisitor& visitor)
      : hash_(hash), visitor_(visitor), workers_(static_cast<std::size_t>(threads)) {}

  void start(Batch batch) {
    batch_ = std::move(batch);
    if (!batch_.runs.empty()) running_ = std::async(std::launch::async, [this] { run(); });
  }

  /// Waits for the batch that was started last, if any.
  Batch finish() {
    if (running_.valid()) running_.get();
    return std::exchange(batch_, {});
  }

 private:
  struct Worker {
    ChunkDecoder decoder;
    std::unique_ptr<std::byte[]> decoded;
    std::vector<DecodedPiece> pieces;
  };

  void run() {
    const auto n = static_cast<std::ptrdiff_t>(batch_.runs.size());
#pragma omp parallel for schedule(dynamic) num_threads(static_cast <int>(workers_.size()))
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      const auto& run = batch_.runs[static_cast<std::size_t>(i)];
      try {
        decode(run, workers_[static_cast<std::size_t>(omp_get_thread_num())]);
      } catch (const std::exception& error) {  // out of memory: must not leave the parallel region
        batch_.tasks[run.first].error = Error{error.what()};
      }
    }
  }

  void decode(const Run& run, Worker& worker) {
    if (!worker.decoded) worker.decoded = std::make_unique_for_overwrite<std::byte[]>(kChunkBytes);
    worker.pieces.clear();
    std::size_t at = 0;
    for (auto t = run.first; t < run.last; ++t) {
      auto& task = batch_.tasks[t];
      const std::span out(worker.decoded.get() + at, task.chunk.raw_bytes);
      const auto digest = worker.decoder.decode(*task.shard, task.chunk, task.dtype, hash_, out);
      if (!digest) {
        task.error = digest.error();
        return;
      }
      task.digest = *digest;
      worker.pieces.push_back(
          {task.file_offset, out, task.dtype, task.layer.lossy_class == 0, task.layer.max_abs_error});
      at += out.size();
    }
    auto& first = batch_.tasks[run.first];
    if (auto taken = visitor_.pieces(first.file, worker.pieces); !taken) first.error = taken.error();
  }

  const KeyedHash& hash_;
  FileVisitor& visitor_;
  std::vector<Worker> workers_;
  Batch batch_;
  std::future<void> running_;  // last: ends before what it uses
};

/// A file that has begun and not ended.
struct Running {
  std::size_t index = 0;
  ArchivedFile file;
  Result<void> outcome;
  std::vector<Hash128> chunk_digests;  ///< of the layer that is coming in
  std::vector<Hash128> layer_digests;
  std::size_t n_pending = 0;  ///< tasks that are not done
  bool read_fully = false;    ///< no more tasks will come

  void fail(const Error& error) {
    if (outcome) outcome = error;
  }
};

class Job {
 public:
  Job(ShardSet& shards, const Directory& directory, int threads, FileVisitor& visitor)
      : shards_(shards),
        hash_(directory.identity.hash_secret),
        batch_bytes_(kBatchBytesPerThread * static_cast<std::size_t>(std::max(1, threads))),
        visitor_(visitor),
        decoder_(hash_, std::max(1, threads), visitor) {}

  void add(std::size_t index, const FileRef& ref) {
    if (planned_.n_files >= kBatchFiles) next_batch();
    ++planned_.n_files;
    auto file = read_file_row(shards_, ref);
    running_.push_back({index, {}, {}, {}, {}, 0, false});
    auto& running = running_.back();
    if (!file) {
      running.fail(file.error());
    } else {
      running.file = std::move(*file);
      if (auto begun = visitor_.begin(index, running.file); !begun)
        running.fail(begun.error());
      else if (auto added = add_extents(ref, running); !added)
        running.fail(added.error());
    }
    running.read_fully = true;
  }

  void finish() {
    next_batch();
    next_batch();
    ELVES_ASSERT(running_.empty());
  }

 private:
  Result<void> add_extents(const FileRef& ref, Running& running) {
    const auto row = running.file.row;
    std::uint64_t at = 0;
    for (std::uint64_t e = row.first_extent; e - row.first_extent < row.n_extents; ++e) {
      auto shard = shards_.at(ref.shard);
      if (!shard) return shard.error();
      const auto extent = (*shard)->extent(e);
      if (!extent) return extent.error();
      if (extent->offset_bytes != at) return Error{"its extents leave a gap at byte " + std::to_string(at)};
      at += extent->size_bytes;
      if (auto added = add_layer(*extent, running); !added) return added;
    }
    if (at != row.size_bytes)
      return Error{"its extents end at byte " + std::to_string(at) + " of " + std::to_string(row.size_bytes)};
    return {};
  }

  Result<void> add_layer(const ExtentRow& extent, Running& running) {
    auto shard = shards_.at(extent.layer_shard);
    if (!shard) return shard.error();
    const auto layer = (*shard)->layer(extent.layer_row);
    if (!layer) return layer.error();
    const auto dtype = dtype_from_number(layer->dtype);
    if (!dtype) return Error{"unknown dtype " + std::to_string(layer->dtype)};
    if (layer->size_bytes != extent.size_bytes) return Error{"a layer has another size than its extent"};
    if (layer->base_shard != kNoShard)
      return Error{"a layer is a difference from a base, which this elves cannot read: use a newer one"};
    running.layer_digests.push_back(to_hash(layer->decoded));  // take() holds the bytes against it
    std::uint64_t at = 0;
    for (std::uint32_t c = 0; c < layer->n_chunks; ++c) {
      if (planned_.size_bytes + kChunkBytes > batch_bytes_ || planned_.tasks.size() >= kBatchTasks) next_batch();
      const auto chunk = (*shard)->chunk(layer->first_chunk + c);
      if (!chunk) return chunk.error();
      if (chunk->raw_bytes == 0 || chunk->raw_bytes > kChunkBytes || chunk->encoded_bytes > kMostEncodedBytes ||
          chunk->raw_bytes > layer->size_bytes - at)
        return Error{"a chunk has a size that its layer cannot have"};
      const bool last = c + 1 == layer->n_chunks;
      planned_.add({running.index, *shard, *chunk, *layer, *dtype, extent.offset_bytes + at, last, {}, {}});
      ++running.n_pending;
      at += chunk->raw_bytes;
    }
    if (at != layer->size_bytes) return Error{"the chunks of a layer are smaller than the layer"};
    return {};
  }

  /// Starts the planned batch, and ends what the one before it has finished.
  void next_batch() {
    const auto done = decoder_.finish();
    decoder_.start(std::exchange(planned_, {}));
    auto file = running_.begin();
    for (const auto& task : done.tasks) {
      while (file->index != task.file) ++file;
      take(task, *file);
    }
    while (!running_.empty() && running_.front().read_fully && running_.front().n_pending == 0) end_front();
  }

  void take(const Task& task, Running& running) {
    --running.n_pending;
    if (task.error) running.fail(*task.error);
    if (!running.outcome) return;
    running.chunk_digests.push_back(task.digest);
    if (!task.ends_layer) return;
    const auto decoded = hash_.combine(running.chunk_digests);
    running.chunk_digests.clear();
    if (decoded != to_hash(task.layer.decoded))
      running.fail(Error{"a layer decodes to other bytes than were archived (digest)"});
  }

  void end_front() {
    auto& running = running_.front();
    if (running.outcome && corpus::has_content(running.file.kind()) &&
        hash_.combine(running.layer_digests) != to_hash(running.file.row.restored))
      running.fail(Error{"the file's digest is not the recorded one"});
    visitor_.end(running.index, running.file, running.outcome);
    running_.pop_front();
  }

  ShardSet& shards_;
  KeyedHash hash_;
  std::size_t batch_bytes_;
  FileVisitor& visitor_;
  std::deque<Running> running_;
  Batch planned_;
  BatchDecoder decoder_;
};

}  // namespace

Result<ArchivedFile> read_file_row(ShardSet& shards, const FileRef& file) {
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

void decode_files(ShardSet& shards, const Directory& directory, std::span<const FileRef> files, int threads,
                  FileVisitor& visitor) {
  Job job(shards, directory, threads, visitor);
  for (std::size_t i = 0; i < files.size(); ++i) job.add(i, files[i]);
  job.finish();
}

}  // namespace elves::archive
