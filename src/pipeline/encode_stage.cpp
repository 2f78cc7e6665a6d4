#include "pipeline/encode_stage.hpp"

#include <omp.h>

#include <algorithm>
#include <exception>
#include <mutex>

namespace elves::pipeline {

EncodeStage::EncodeStage(int threads, const EncodeOptions& options, const KeyedHash& hash, bool verify)
    : threads_(threads), options_(options), hash_(hash), verify_(verify), workers_(static_cast<std::size_t>(threads)) {}

Result<void> EncodeStage::encode(WorkChunk& chunk, std::span<const std::byte> raw, Worker& worker, Arena& arena) const {
  worker.encoded.clear();
  auto options = options_;
  options.lossless = options.lossless || chunk.task == Task::EncodeLossless;
  chunk.stats = worker.encoder.encode(raw, chunk.dtype, options, worker.encoded);
  const auto decoded = worker.encoder.decoded();
  chunk.decoded = chunk.stats.exact ? chunk.digest : hash_(decoded);
  chunk.checksum = checksum64(worker.encoded);
  chunk.encoded = arena.add(worker.encoded);
  if (!verify_) return {};
  worker.decoded.resize(raw.size());
  if (auto done = worker.decoder.decode(worker.encoded, chunk.dtype, worker.decoded); !done) return done;
  if (!std::equal(decoded.begin(), decoded.end(), worker.decoded.begin(), worker.decoded.end()))
    return Error{"a chunk does not decode to what was encoded: please report this bug with the file"};
  return {};
}

Result<void> EncodeStage::run(Work& work, const Buffer& raw, std::vector<Arena>& arenas,
                              std::atomic<std::uint64_t>& bytes_done) {
  arenas.resize(static_cast<std::size_t>(threads_));
  for (auto& arena : arenas) arena.clear();
  Result<void> outcome;
  std::mutex mutex;
  const auto n = static_cast<std::ptrdiff_t>(work.chunks.size());
#pragma omp parallel for schedule(dynamic) num_threads(threads_)
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    auto& chunk = work.chunks[static_cast<std::size_t>(i)];
    bytes_done += chunk.size_bytes;
    if (chunk.task == Task::Skip) continue;
    const auto thread = static_cast<std::size_t>(omp_get_thread_num());
    Result<void> done;
    try {
      done = encode(chunk, raw.bytes().subspan(chunk.buffer_at, chunk.size_bytes), workers_[thread], arenas[thread]);
    } catch (const std::exception& error) {
      done = Error{error.what()};
    }
    if (!done) {
      const std::lock_guard lock(mutex);
      outcome = Error{work.sources[chunk.source].path + ": " + done.error().message};
    }
  }
  return outcome;
}

}  // namespace elves::pipeline
