#include "restore/decode/chunk_scheduler.hpp"

#include <omp.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "support/try.hpp"

namespace elves::restore {

std::size_t DecodingLayer::plan_chunk() {
  ++n_pending;
  digests.emplace_back();
  return digests.size() - 1;
}

void DecodingLayer::take(std::size_t chunk, const Hash128& digest) {
  --n_pending;
  digests[chunk] = digest;
}

bool DecodingLayer::has_recorded_digest(const KeyedHash& hash) const {
  return hash.combine(digests) == archive::to_hash(row.decoded);
}

std::optional<ChunkRef> ChunkTask::needed() const {
  if (source.base) return source.base->ref;
  return is_shared ? std::optional(source.chunk.ref) : std::nullopt;
}

void ChunkBatch::add(ChunkTask task, bool adjacent) {
  if (!adjacent || !extends_run(task)) {
    if (!extends_strand(task)) strands_.push_back({runs_.size(), runs_.size()});
    runs_.push_back({tasks_.size(), tasks_.size(), 0});
    ++strands_.back().last;
  }
  ++runs_.back().last;
  runs_.back().size_bytes += task.size_bytes();
  size_bytes_ += task.size_bytes();
  tasks_.push_back(std::move(task));
}

/// The bytes of a shared chunk lie in the cache, not beside those of others.
bool ChunkBatch::extends_run(const ChunkTask& task) const {
  return !runs_.empty() && !task.is_shared && !tasks_.back().is_shared &&
         runs_.back().size_bytes + task.size_bytes() <= kChunkBytes;
}

bool ChunkBatch::extends_strand(const ChunkTask& task) const {
  const auto needed = task.needed();
  return needed && !tasks_.empty() && needed == tasks_.back().needed() &&
         strands_.back().last - strands_.back().first < kStrandRuns;
}

std::span<ChunkTask> ChunkBatch::run(std::size_t number) {
  const auto& run = runs_[number];
  return std::span(tasks_).subspan(run.first, run.last - run.first);
}

ChunkScheduler::ChunkScheduler(const KeyedHash& hash, int threads, TakeRun take_run)
    : hash_(hash), take_run_(std::move(take_run)), bases_(BaseCache::ordered_bytes(std::max(1, threads))) {
  for (int t = 0; t < std::max(1, threads); ++t) workers_.emplace_back(bases_);
}

ChunkBatch ChunkScheduler::decode(ChunkBatch batch) {
  batch_ = std::move(batch);
  decode_batch();
  return std::exchange(batch_, {});
}

void ChunkScheduler::start(ChunkBatch batch) {
  batch_ = std::move(batch);
  if (!batch_.empty()) running_ = std::async(std::launch::async, [this] { decode_batch(); });
}

ChunkBatch ChunkScheduler::finish() {
  if (running_.valid()) running_.get();
  return std::exchange(batch_, {});
}

void ChunkScheduler::decode_batch() {
  const auto n = static_cast<std::ptrdiff_t>(batch_.strands().size());
#pragma omp parallel for schedule(dynamic) num_threads(static_cast <int>(workers_.size()))
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    auto& worker = workers_[static_cast<std::size_t>(omp_get_thread_num())];
    const auto& strand = batch_.strands()[static_cast<std::size_t>(i)];
    for (auto r = strand.first; r < strand.last; ++r) {
      const auto run = batch_.run(r);
      try {
        if (auto decoded = decode_run(run, worker); !decoded) run.front().error = decoded.error();
      } catch (const std::exception& error) {  // out of memory: must not leave the parallel region
        run.front().error = Error{error.what()};
      }
    }
  }
}

Result<void> ChunkScheduler::decode_run(std::span<ChunkTask> run, Worker& worker) const {
  if (run.front().is_shared) return decode_shared(run.front(), worker);
  if (!worker.decoded) worker.decoded = std::make_unique_for_overwrite<std::byte[]>(kChunkBytes);
  std::size_t size_bytes = 0;
  for (auto& task : run) {
    const std::span out(worker.decoded.get() + size_bytes, task.size_bytes());
    const auto digest = worker.decoder.decode(task.source, hash_, out);
    if (!digest) {
      task.error = digest.error();
      return {};
    }
    task.digest = *digest;
    size_bytes += out.size();
  }
  return take_run_ ? take_run_(run, {worker.decoded.get(), size_bytes}) : Result<void>{};
}

Result<void> ChunkScheduler::decode_shared(ChunkTask& task, Worker& worker) const {
  ELVES_TRY(const auto bytes, worker.decoder.shared(task.source.chunk));
  task.digest = hash_(bytes.span());
  return take_run_ ? take_run_(std::span(&task, 1), bytes.span()) : Result<void>{};
}

}  // namespace elves::restore
