#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "elves/error.hpp"
#include "restore/decode/base_cache.hpp"
#include "restore/decode/chunk_decoder.hpp"
#include "restore/decode/layer_chunks.hpp"
#include "support/hash.hpp"

namespace elves::restore {

/// A layer whose chunks are decoded in any order. Derive from it to add what is needed to know of the layer when a
/// chunk of it is done. Main thread only.
struct DecodingLayer {
  archive::LayerRow row;
  std::vector<Hash128> digests;  ///< of the chunks planned so far; 0 until they are decoded
  std::size_t n_pending = 0;     ///< chunks that are planned and not taken

  /// The number of the next chunk to be planned.
  std::size_t plan_chunk();
  void take(std::size_t chunk, const Hash128& digest);
  /// True where all chunks were planned and taken.
  bool is_complete() const { return n_pending == 0 && digests.size() == row.n_chunks; }
  /// Of a complete layer: whether its bytes have the recorded digest.
  bool has_recorded_digest(const KeyedHash& hash) const;
};

/// A chunk to be decoded.
struct ChunkTask {
  std::shared_ptr<DecodingLayer> layer;
  std::size_t number = 0;  ///< of the chunk in its layer
  ChunkSource source;
  bool is_shared = false;  ///< other chunks of the batch are deltas of this one
  Hash128 digest;          ///< of the decoded bytes; set by decoding
  std::optional<Error> error;

  std::uint32_t size_bytes() const { return source.chunk.row.raw_bytes; }
  /// The chunk whose decoded bytes must be in memory: the base, or the chunk itself where it is shared.
  std::optional<ChunkRef> needed() const;
};

/// Chunks in the order in which they were planned. Neighbours are decoded by one thread where that saves work:
///   * A run is a sequence of tasks whose bytes lie side by side in one file; it has at most kChunkBytes.
///   * A strand is a sequence of up to kStrandRuns runs that need the same base: its bytes stay at hand.
class ChunkBatch {
 public:
  static constexpr std::size_t kStrandRuns = 8;

  /// A sequence of runs.
  struct Strand {
    std::size_t first = 0;
    std::size_t last = 0;  ///< one past the end
  };

  /// `adjacent`: in its file the chunk follows the one added before.
  void add(ChunkTask task, bool adjacent = false);

  const std::vector<ChunkTask>& tasks() const noexcept { return tasks_; }
  std::size_t size_bytes() const noexcept { return size_bytes_; }
  bool empty() const noexcept { return tasks_.empty(); }

  std::span<const Strand> strands() const noexcept { return strands_; }
  /// The tasks of a run.
  std::span<ChunkTask> run(std::size_t number);

 private:
  struct Run {
    std::size_t first = 0;  ///< of tasks_
    std::size_t last = 0;   ///< one past the end
    std::size_t size_bytes = 0;
  };

  bool extends_run(const ChunkTask& task) const;
  bool extends_strand(const ChunkTask& task) const;

  std::vector<ChunkTask> tasks_;
  std::vector<Run> runs_;
  std::vector<Strand> strands_;
  std::size_t size_bytes_ = 0;
};

/// Decodes batches of chunks with OpenMP threads; each base chunk once for the deltas that follow each other. A chunk
/// that cannot be decoded gets an Error, the others are decoded. Memory: two chunks and a Decoder for each thread, and
/// three more chunks where there are bases.
class ChunkScheduler {
 public:
  /// Called by any thread, several at once: the tasks of a decoded run, and their bytes one after the other. An Error
  /// becomes that of the run's first task.
  using TakeRun = std::function<Result<void>(std::span<const ChunkTask> run, std::span<const std::byte> bytes)>;

  /// `hash` gives the digests of chunks, and must outlive the scheduler.
  ChunkScheduler(const KeyedHash& hash, int threads, TakeRun take_run = {});

  std::size_t n_threads() const noexcept { return workers_.size(); }

  /// Main thread. Decodes a batch and returns it. For many small batches: start() creates a thread for each.
  ChunkBatch decode(ChunkBatch batch);

  /// Main thread. Begins to decode a batch in the background; the one before must be finished.
  void start(ChunkBatch batch);
  /// Main thread. Waits for the batch that was started last and returns it; an empty one where there is none.
  ChunkBatch finish();

  /// How often a base chunk was decoded.
  std::uint64_t n_shared_decoded() const { return bases_.n_decoded(); }

 private:
  struct Worker {
    explicit Worker(BaseCache& bases) : decoder(bases) {}
    ChunkDecoder decoder;
    std::unique_ptr<std::byte[]> decoded;
  };

  void decode_batch();
  Result<void> decode_run(std::span<ChunkTask> run, Worker& worker) const;
  Result<void> decode_shared(ChunkTask& task, Worker& worker) const;

  const KeyedHash& hash_;
  TakeRun take_run_;
  BaseCache bases_;
  std::vector<Worker> workers_;
  ChunkBatch batch_;
  std::future<void> running_;  ///< last member: ends before what it uses
};

}  // namespace elves::restore
