#include "archive/verify.hpp"

#include <omp.h>

#include <algorithm>
#include <exception>
#include <memory>

#include "archive/chunk_decoder.hpp"
#include "archive/file_decoder.hpp"
#include "archive/shard_reader.hpp"
#include "elves/codec.hpp"

namespace elves::archive {
namespace {

using corpus::FileKind;

/// One layer at a time would leave threads idle; all at once would fill memory.
constexpr std::size_t kTasksPerThread = 128;
constexpr std::size_t kToldPerShard = 1000;

class ShardChecker {
 public:
  ShardChecker(const Directory& directory, ShardSet& shards, int threads, VerifySummary& summary)
      : shards_(shards),
        hash_(directory.identity.hash_secret),
        workers_(static_cast<std::size_t>(std::max(1, threads))),
        summary_(summary) {}

  void check(std::uint32_t shard) {
    name_ = shard_name(shard);
    told_ = 0;
    auto reader = shards_.at(shard);
    if (!reader) return differs(name_, reader.error().message);
    ++summary_.shards;
    check_layers(**reader);
    check_files(shard, **reader);
    check_models(**reader);
    check_sketches(**reader);
  }

 private:
  struct Task {
    ChunkRow chunk;
    DType dtype = DType::Bytes;
    Hash128 digest;
    std::string error;
  };
  struct Worker {
    ChunkDecoder decoder;
    std::unique_ptr<std::byte[]> raw;
  };

  /// A shard that is damaged all over is told in a thousand lines.
  void differs(const std::string& where, const std::string& what) {
    if (++told_ <= kToldPerShard) summary_.differences.push_back({where, what});
  }

  void check_layers(ShardReader& reader) {
    std::vector<Task> tasks;
    std::vector<std::pair<std::uint64_t, std::size_t>> layers;  // row, its first task
    const auto n = reader.rows(LayerRow::kTable);
    for (std::uint64_t row = 0; row < n; ++row) {
      if (auto added = add_layer(reader, row, tasks); !added)
        differs(layer_name(row), added.error().message);
      else
        layers.emplace_back(row, tasks.size());
      if (tasks.size() >= kTasksPerThread * workers_.size() || row + 1 == n) {
        decode(reader, tasks);
        judge(reader, layers, tasks);
        tasks.clear();
        layers.clear();
      }
    }
  }

  std::string layer_name(std::uint64_t row) const { return name_ + ": layer " + std::to_string(row); }

  Result<void> add_layer(ShardReader& reader, std::uint64_t row, std::vector<Task>& tasks) {
    const auto first = tasks.size();
    const auto layer = reader.layer(row);
    if (!layer) return layer.error();
    const auto dtype = dtype_from_number(layer->dtype);
    if (!dtype) return Error{"unknown dtype"};
    std::uint64_t bytes = 0;
    for (std::uint32_t c = 0; c < layer->n_chunks; ++c) {
      const auto chunk = reader.chunk(layer->first_chunk + c);
      Result<void> good;
      if (!chunk)
        good = chunk.error();
      else if (chunk->raw_bytes == 0 || chunk->raw_bytes > kChunkBytes || chunk->encoded_bytes > kMostEncodedBytes ||
               chunk->raw_bytes > layer->size_bytes - bytes)
        good = Error{"a chunk has a size that its layer cannot have"};
      else if (chunk->max_abs_error > layer->max_abs_error)
        good = Error{"a chunk has a larger error than its layer says"};
      if (!good) {
        tasks.resize(first);
        return good;
      }
      tasks.push_back({*chunk, *dtype, {}, {}});
      bytes += chunk->raw_bytes;
    }
    if (bytes == layer->size_bytes) return {};
    tasks.resize(first);
    return Error{"its chunks do not add up to its size"};
  }

  void decode(const ShardReader& reader, std::vector<Task>& tasks) {
    const auto n = static_cast<std::ptrdiff_t>(tasks.size());
#pragma omp parallel for schedule(dynamic) num_threads(static_cast <int>(workers_.size()))
    for (std::ptrdiff_t i = 0; i < n; ++i) {
      auto& task = tasks[static_cast<std::size_t>(i)];
      try {
        decode(reader, task, workers_[static_cast<std::size_t>(omp_get_thread_num())]);
      } catch (const std::exception& error) {  // out of memory: must not leave the parallel region
        task.error = error.what();
      }
    }
  }

  void decode(const ShardReader& reader, Task& task, Worker& worker) const {
    if (!worker.raw) worker.raw = std::make_unique_for_overwrite<std::byte[]>(kChunkBytes);
    const std::span raw(worker.raw.get(), task.chunk.raw_bytes);  // add_layer has checked the size
    const auto digest = worker.decoder.decode(reader, task.chunk, task.dtype, hash_, raw);
    if (digest)
      task.digest = *digest;
    else
      task.error = digest.error().message;
  }

  void judge(ShardReader& reader, const std::vector<std::pair<std::uint64_t, std::size_t>>& layers,
             const std::vector<Task>& tasks) {
    std::size_t at = 0;
    for (const auto& [row, end] : layers) {
      const auto layer = reader.layer(row);
      std::vector<Hash128> digests;
      std::string error;
      for (; at < end; ++at) {
        if (!tasks[at].error.empty()) error = tasks[at].error;
        digests.push_back(tasks[at].digest);
        summary_.decoded_bytes += tasks[at].chunk.raw_bytes;
        ++summary_.chunks;
      }
      ++summary_.layers;
      if (error.empty() && hash_.combine(digests) != to_hash(layer->decoded))
        error = "decodes to other bytes than were archived (digest)";
      if (error.empty() && layer->lossy_class == 0 && to_hash(layer->decoded) != to_hash(layer->fingerprint))
        error = "is recorded as exact and is not";
      if (!error.empty()) differs(layer_name(row), error);
    }
  }

  void check_files(std::uint32_t shard, ShardReader& reader) {
    for (std::uint64_t row = 0; row < reader.rows(FileRow::kTable); ++row) {
      ++summary_.files;
      const auto file = read_file_row(shards_, {shard, 0, row, 0});
      if (!file)
        differs(name_ + ": file " + std::to_string(row), file.error().message);
      else if (auto good = check_file(reader, *file); !good)
        differs(file->path, good.error().message);
    }
  }

  void check_models(ShardReader& reader) {
    for (std::uint64_t row = 0; row < reader.rows(ModelRow::kTable); ++row) {
      if (const auto model = reader.model(row); !model)
        differs(name_ + ": model " + std::to_string(row), model.error().message);
    }
  }

  void check_sketches(ShardReader& reader) {
    for (std::uint64_t row = 0; row < reader.rows(SketchRow::kTable); ++row) {
      if (const auto sketch = reader.sketch(row); !sketch)
        differs(name_ + ": sketch " + std::to_string(row), sketch.error().message);
    }
  }

  Result<void> check_file(ShardReader& reader, const ArchivedFile& file) {
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
      originals.push_back(to_hash(layer->fingerprint));
      decoded.push_back(to_hash(layer->decoded));
    }
    if (at != file.row.size_bytes) return Error{"its extents do not cover it"};
    if (corpus::has_content(file.kind()) &&
        (hash_.combine(originals) != to_hash(file.row.digest) || hash_.combine(decoded) != to_hash(file.row.restored)))
      return Error{"its digests are not those of its layers"};
    return {};
  }

  ShardSet& shards_;
  KeyedHash hash_;
  std::vector<Worker> workers_;
  VerifySummary& summary_;
  std::string name_;
  std::size_t told_ = 0;
};

}  // namespace

void VerifySummary::add_up(const mpi::Comm& comm) {
  for (auto* counter : {&shards, &layers, &chunks, &files, &decoded_bytes, &compared_bytes})
    *counter = comm.sum(*counter);
  max_abs_error = comm.max(max_abs_error);
}

VerifySummary verify(const mpi::Comm& comm, const Directory& directory, int threads) {
  VerifySummary summary;
  ShardSet shards(directory);
  ShardChecker checker(directory, shards, threads, summary);
  if (comm.is_root()) {
    for (const auto shard : directory.missing()) summary.differences.push_back({shard_name(shard), "is missing"});
  }
  for (auto i = static_cast<std::size_t>(comm.rank()); i < directory.shards.size();
       i += static_cast<std::size_t>(comm.size()))
    checker.check(directory.shards[i]);
  summary.add_up(comm);
  return summary;
}

}  // namespace elves::archive
