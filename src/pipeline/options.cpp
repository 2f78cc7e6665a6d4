#include "pipeline/options.hpp"

#include <omp.h>

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "elves/error.hpp"
#include "support/byte_cursor.hpp"
#include "support/hash.hpp"
#include "support/text.hpp"

namespace elves::pipeline {
namespace {

constexpr std::uint64_t kCopies = 4;  // read, raw in encode, encoded, encoded and being written
constexpr std::uint64_t kLargestPart = std::uint64_t{1} << 30;
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
/// A rank's default share of a wave lies between these. Small waves overlap better, are committed sooner, and stay near
/// the caches; but each costs every rank a message to each other one.
constexpr std::uint64_t kLargestDefaultShare = 256 * kMiB;
constexpr std::uint64_t kSmallestDefaultShare = 32 * kMiB;
constexpr std::uint64_t kDefaultSharePerRank = 2 * kMiB;
constexpr std::uint64_t kDefaultWaves = 64;  // of a corpus of middling size

std::uint64_t down_to_chunk(std::uint64_t bytes) {
  return std::max<std::uint64_t>(bytes / kChunkBytes * kChunkBytes, kChunkBytes);
}

/// What a rank may hold of one wave, its largest unit included.
std::uint64_t share_limit(const SweepOptions& options, int threads) {
  constexpr std::uint64_t kFreeThreads = 4;  // they fit in what --memory does not count
  constexpr std::uint64_t kScratchBytes = 8 * kChunkBytes;
  const auto n = static_cast<std::uint64_t>(threads);
  const auto scratch = n > kFreeThreads ? (n - kFreeThreads) * kScratchBytes : 0;
  return (options.memory_bytes - std::min(options.memory_bytes, scratch)) / kCopies;
}

/// What a wave has at least where --wave-bytes does not say.
std::uint64_t smallest_default_wave(const SweepOptions& options, std::uint64_t ranks, int threads) {
  const auto share = std::clamp(ranks * kDefaultSharePerRank, kSmallestDefaultShare, kLargestDefaultShare);
  return down_to_chunk(std::min(share_limit(options, threads) / 5 * 4, share) * ranks);
}

}  // namespace

std::uint64_t choose_part_bytes(const SweepOptions& options, int ranks, int threads) {
  if (share_limit(options, threads) < 5 * kChunkBytes)
    throw UsageError("--memory " + format_bytes(options.memory_bytes) + " is too little for " +
                     std::to_string(threads) + " threads: a rank needs " + format_bytes(5 * kCopies * kChunkBytes) +
                     ", and " + format_bytes(8 * kChunkBytes) + " for each thread above 4");
  if (options.wave_bytes != 0 && options.wave_bytes < kChunkBytes)
    throw UsageError("--wave-bytes must be at least " + format_bytes(kChunkBytes));
  const auto wave = options.wave_bytes != 0
                        ? options.wave_bytes
                        : smallest_default_wave(options, static_cast<std::uint64_t>(ranks), threads);
  const auto part = std::clamp<std::uint64_t>(std::bit_floor(wave / 4), kChunkBytes, kLargestPart);
  (void)choose_wave_bytes(options, ranks, threads, part, 0);
  return part;
}

std::uint64_t choose_wave_bytes(const SweepOptions& options, int ranks, int threads, std::uint64_t part_bytes,
                                std::uint64_t new_bytes) {
  const auto n = static_cast<std::uint64_t>(ranks);
  auto wave = options.wave_bytes;
  if (wave == 0) {
    const auto largest = down_to_chunk(std::min(share_limit(options, threads) / 5 * 4, kLargestDefaultShare) * n);
    const auto smallest = smallest_default_wave(options, n, threads);
    wave = std::max(std::clamp(down_to_chunk(new_bytes / kDefaultWaves), smallest, largest), part_bytes);
  }
  if (part_bytes > wave)
    throw UsageError("this archive has parts of " + format_bytes(part_bytes) +
                     ": use --wave-bytes of at least that (or more --memory)");
  const auto share = (wave + part_bytes) / n;
  if (share > share_limit(options, threads) + kChunkBytes)
    throw UsageError("waves of " + format_bytes(wave) + " need --memory " + format_bytes(share * kCopies) +
                     " on each of " + std::to_string(ranks) + " ranks: lower --wave-bytes or raise --memory");
  return wave;
}

LossId loss_of(const EncodeOptions& options) {
  if (options.lossless || !options.use_elf) return kExact;
  const double numbers[2] = {options.error_bound, std::max(options.min_snr_db, 0.0)};
  return {static_cast<std::uint32_t>(checksum64(std::as_bytes(std::span(numbers)))) | 1u};
}

bool uses(const SweepOptions& options, Stage stage) {
  const auto member = switch_of(stage);
  return member ? options.encode.*member : options.deduplicate;
}

void use(SweepOptions& options, Stage stage, bool on) {
  const auto member = switch_of(stage);
  (member ? options.encode.*member : options.deduplicate) = on;
}

std::string describe(const SweepOptions& options, std::uint64_t wave_bytes) {
  const auto& encode = options.encode;
  std::string text = encode.lossless ? "lossless" : "lossy";
  if (!encode.lossless) text += fmt::format(" error-bound={} min-snr={}", encode.error_bound, encode.min_snr_db);
  text += " level=" + std::string(name(encode.level));
  text += " stages=";
  for (std::size_t i = 0; i < kStageCount; ++i) {
    const auto stage = static_cast<Stage>(i);
    if (!uses(options, stage)) continue;
    if (text.back() != '=') text += ',';
    text += name(stage);
  }
  return text + " wave-bytes=" + std::to_string(wave_bytes);
}

int choose_threads(const mpi::Comm& comm, int threads) {
  const int on_host = comm.ranks_on_host();
  if (threads > 0) return threads;
  if (std::getenv("OMP_NUM_THREADS") != nullptr) return std::max(1, omp_get_max_threads());
  return std::max(1, omp_get_num_procs() / on_host);
}

}  // namespace elves::pipeline
