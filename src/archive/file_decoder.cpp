#include "archive/file_decoder.hpp"

#include <omp.h>

#include <algorithm>
#include <deque>
#include <optional>

#include "elves/codec.hpp"
#include "support/text.hpp"

namespace elves::archive {
namespace {

constexpr std::size_t kBatchBytes = std::size_t{64} << 20;
constexpr std::size_t kBatchTasks = 4096;
constexpr std::size_t kBatchFiles = 4096;

struct Task {
  std::size_t file = 0;
  std::shared_ptr<const ShardReader> shard;
  ChunkRow chunk;
  LayerRow layer;
  DType dtype = DType::Bytes;
  std::uint64_t file_offset = 0;
  std::size_t buffer_at = 0;
  bool ends_layer = false;
  Hash128 digest;
  std::optional<Error> error;
};

/// A file that has begun and not ended.
struct Running {
  std::size_t index = 0;
  ArchivedFile file;
  Result<void> outcome;
  std::vector<Hash128> chunk_digests;  ///< of the layer that is coming in
  std::vector<Hash128> layer_digests;
  bool read_fully = false;  ///< all its tasks are in the batch, or done

  void fail(const Error& error) {
    if (outcome) outcome = error;
  }
};

class Job {
 public:
  Job(ShardSet& shards, const Directory& directory, int threads, FileVisitor& visitor)
      : shards_(shards),
        hash_(directory.identity.hash_secret),
        threads_(std::max(1, threads)),
        visitor_(visitor),
        decoders_(static_cast<std::size_t>(threads_)),
        encoded_(static_cast<std::size_t>(threads_)),
        buffer_(0) {}

  void add(std::size_t index, const FileRef& ref) {
    auto file = read_file_row(shards_, ref);
    running_.push_back({index, {}, {}, {}, {}, false});
    auto& running = running_.back();
    if (!file) {
      running.fail(file.error());
    } else {
      running.file = std::move(*file);
      if (auto begun = visitor_.begin(index, running.file); !begun)
        running.fail(begun.error());
      else if (auto added = add_extents(ref, running.file); !added)
        running_.back().fail(added.error());
    }
    running_.back().read_fully = true;
    if (running_.size() >= kBatchFiles) finish();
  }

  void finish() {
    run_batch();
    end_finished();
  }

 private:
  Result<void> add_extents(const FileRef& ref, const ArchivedFile& file) {
    const auto row = file.row;
    std::uint64_t at = 0;
    for (std::uint64_t e = row.first_extent; e - row.first_extent < row.n_extents; ++e) {
      auto shard = shards_.at(ref.shard);
      if (!shard) return shard.error();
      const auto extent = (*shard)->extent(e);
      if (!extent) return extent.error();
      if (extent->offset_bytes != at) return Error{"its extents leave a gap at byte " + std::to_string(at)};
      at += extent->size_bytes;
      if (auto added = add_layer(*extent); !added) return added;
    }
    if (at != row.size_bytes)
      return Error{"its extents end at byte " + std::to_string(at) + " of " + std::to_string(row.size_bytes)};
    return {};
  }

  Result<void> add_layer(const ExtentRow& extent) {
    auto shard = shards_.at(extent.layer_shard);
    if (!shard) return shard.error();
    const auto layer = (*shard)->layer(extent.layer_row);
    if (!layer) return layer.error();
    const auto dtype = dtype_from_number(layer->dtype);
    if (!dtype) return Error{"unknown dtype " + std::to_string(layer->dtype)};
    if (layer->size_bytes != extent.size_bytes) return Error{"a layer has another size than its extent"};
    if (layer->base_shard != kNoShard)
      return Error{"a layer is a difference from a base, which this elves cannot read: use a newer one"};
    running_.back().layer_digests.push_back(to_hash(layer->decoded));  // take() holds the bytes against it
    std::uint64_t at = 0;
    for (std::uint32_t c = 0; c < layer->n_chunks; ++c) {
      if (used_ + kChunkBytes > kBatchBytes || tasks_.size() >= kBatchTasks) run_batch();
      const auto chunk = (*shard)->chunk(layer->first_chunk + c);
      if (!chunk) return chunk.error();
      if (chunk->raw_bytes == 0 || chunk->raw_bytes > kChunkBytes || chunk->encoded_bytes > kChunkBytes + 64 ||
          chunk->raw_bytes > layer->size_bytes - at)
        return Error{"a chunk has a size that its layer cannot have"};
      tasks_.push_back({running_.back().index,
                        *shard,
                        *chunk,
                        *layer,
                        *dtype,
                        extent.offset_bytes + at,
                        used_,
                        c + 1 == layer->n_chunks,
                        {},
                        {}});
      at += chunk->raw_bytes;
      used_ += chunk->raw_bytes;
    }
    if (at != layer->size_bytes) return Error{"the chunks of a layer are smaller than the layer"};
    return {};
  }

  void decode(Task& task) {
    const auto thread = static_cast<std::size_t>(omp_get_thread_num());
    auto& encoded = encoded_[thread];
    encoded.resize(task.chunk.encoded_bytes);
    const auto out = std::span(buffer_).subspan(task.buffer_at, task.chunk.raw_bytes);
    if (auto read = task.shard->read_encoded(task.chunk, encoded); !read)
      task.error = read.error();
    else if (auto decoded = decoders_[thread].decode(encoded, task.dtype, out); !decoded)
      task.error = decoded.error();
    else
      task.digest = hash_(out);
  }

  void run_batch() {
    if (buffer_.empty() && !tasks_.empty()) buffer_.resize(kBatchBytes);
    const auto n = static_cast<std::ptrdiff_t>(tasks_.size());
#pragma omp parallel for schedule(dynamic) num_threads(threads_)
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      auto& task = tasks_[static_cast<std::size_t>(i)];
      try {
        decode(task);
      } catch (const std::exception& error) {  // out of memory: must not leave the parallel region
        task.error = Error{error.what()};
      }
    }
    for (const auto& task : tasks_) take(task);
    tasks_.clear();
    used_ = 0;
  }

  void take(const Task& task) {
    while (running_.front().index != task.file) end_front();
    auto& running = running_.front();
    if (task.error) running.fail(*task.error);
    if (!running.outcome) return;
    const auto bytes = std::span<const std::byte>(buffer_).subspan(task.buffer_at, task.chunk.raw_bytes);
    const DecodedPiece piece{task.file_offset, bytes, task.dtype, task.layer.lossy_class == 0,
                             task.layer.max_abs_error};
    if (auto taken = visitor_.piece(running.index, piece); !taken) return running.fail(taken.error());
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

 public:
  /// Ends the files of which all chunks are done. Only between batches.
  void end_finished() {
    while (tasks_.empty() && !running_.empty() && running_.front().read_fully) end_front();
  }

 private:
  ShardSet& shards_;
  KeyedHash hash_;
  int threads_;
  FileVisitor& visitor_;
  std::vector<Decoder> decoders_;
  std::vector<std::vector<std::byte>> encoded_;
  std::vector<std::byte> buffer_;
  std::vector<Task> tasks_;
  std::size_t used_ = 0;
  std::deque<Running> running_;
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
  for (std::size_t i = 0; i < files.size(); ++i) {
    job.add(i, files[i]);
    job.end_finished();
  }
  job.finish();
}

}  // namespace elves::archive
