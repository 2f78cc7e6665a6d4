#include "pipeline/encode_stage.hpp"

#include <omp.h>
#include <time.h>

#include <algorithm>
#include <exception>
#include <mutex>

#include "support/try.hpp"

namespace elves::pipeline {
namespace {

/// Encoding appends two attempts at most before it drops one, each hardly larger than the chunk.
constexpr std::size_t kSmallAttempt = std::size_t{16} << 10;

std::uint64_t cpu_nanoseconds_of_thread() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1000000000 + static_cast<std::uint64_t>(time.tv_nsec);
}

/// If ELF did not take a chunk, it may not have taken the chunk of the base either. Then that is exact, and all deltas
/// are possible.
bool could_use_exact_base(const AssignedChunk& chunk, const Base& base) {
  return !base.bytes.empty() && !base.exact && chunk.stats.exact && !needs_base(chunk.stats.transform);
}

}  // namespace

EncodeStage::EncodeStage(int threads, const EncodeOptions& options, const KeyedHash& hash, bool verify)
    : threads_(threads), options_(options), hash_(hash), verify_(verify), workers_(static_cast<std::size_t>(threads)) {}

Result<void> EncodeStage::encode(AssignedChunk& chunk, std::span<const std::byte> raw, const Base& base, Worker& worker,
                                 Arena& arena, Arena::Place& place) const {
  auto options = options_;
  options.lossless = options.lossless || chunk.task.allowed.is_exact();
  Base cut{.bytes = base.bytes.first(std::min(base.bytes.size(), raw.size())), .exact = base.exact};
  auto& out = arena.block_for(2 * raw.size() + kSmallAttempt);
  const auto begin = out.size();
  const auto start = cpu_nanoseconds_of_thread();
  chunk.stats = worker.encoder.encode(raw, chunk.dtype, options, out, cut);
  if (could_use_exact_base(chunk, cut) && decodes_exactly(base.bytes, chunk.dtype, worker)) {
    out.resize(begin);
    cut.exact = true;
    chunk.stats = worker.encoder.encode(raw, chunk.dtype, options, out, cut);
  }
  worker.sums.add({.raw_bytes = raw.size(),
                   .encoded_bytes = chunk.stats.encoded_bytes,
                   .default_bytes = chunk.stats.default_bytes,
                   .cpu_nanoseconds = cpu_nanoseconds_of_thread() - start});
  place = arena.place_from(begin);
  const auto encoded = arena.bytes(place);
  const auto decoded = chunk.stats.exact ? raw : worker.encoder.decoded();
  chunk.decoded = chunk.stats.exact ? chunk.digest : hash_(decoded);
  chunk.checksum = checksum64(encoded);
  return verify_ ? verify(chunk, encoded, decoded, cut.bytes, worker) : Result<void>{};
}

Result<void> EncodeStage::verify(const AssignedChunk& chunk, std::span<const std::byte> encoded,
                                 std::span<const std::byte> decoded, std::span<const std::byte> base,
                                 Worker& worker) const {
  worker.decoded.resize(decoded.size());
  ELVES_CHECK(worker.decoder.decode(encoded, chunk.dtype, worker.decoded, base));
  if (!std::ranges::equal(decoded, worker.decoded))
    return Error{"a chunk does not decode to what was encoded: please report this bug with the file"};
  return {};
}

bool EncodeStage::decodes_exactly(std::span<const std::byte> base, DType dtype, Worker& worker) const {
  worker.base.clear();
  return worker.encoder.encode(base, dtype, options_, worker.base).exact;
}

EncodingSums EncodeStage::sums() const {
  EncodingSums sums;
  for (const auto& worker : workers_) sums.add(worker.sums);
  return sums;
}

Result<void> EncodeStage::run(AssignedWave& assigned, const Buffer& raw, BaseReader& bases, std::vector<Arena>& arenas,
                              std::atomic<std::uint64_t>& bytes_done) {
  arenas.resize(static_cast<std::size_t>(threads_));
  for (auto& arena : arenas) arena.clear();
  places_.resize(assigned.chunks.size());
  Result<void> outcome;
  std::mutex mutex;
  const auto n = static_cast<std::ptrdiff_t>(assigned.chunks.size());
#pragma omp parallel for schedule(dynamic) num_threads(threads_)
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    auto& chunk = assigned.chunks[at];
    bytes_done += chunk.size_bytes;
    if (!chunk.task.encode) continue;
    const auto thread = static_cast<std::size_t>(omp_get_thread_num());
    places_[at].thread = thread;
    Result<void> done;
    try {
      const auto bytes = raw.bytes().subspan(chunk.buffer_at, chunk.size_bytes);
      done = encode(chunk, bytes, bases.base_of(chunk, thread), workers_[thread], arenas[thread], places_[at].place);
    } catch (const std::exception& error) {
      done = Error{error.what()};
    }
    if (!done) {
      const std::lock_guard lock(mutex);
      outcome = Error{assigned.sources[chunk.source].path + ": " + done.error().message};
    }
  }
  for (std::size_t i = 0; i < assigned.chunks.size(); ++i) {
    auto& chunk = assigned.chunks[i];
    if (outcome && chunk.task.encode) chunk.encoded = arenas[places_[i].thread].bytes(places_[i].place);
  }
  return outcome;
}

}  // namespace elves::pipeline
