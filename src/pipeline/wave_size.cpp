#include "pipeline/wave_size.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "elves/error.hpp"
#include "support/text.hpp"

namespace elves::pipeline {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kCopies = 4;  // being read, raw while it is encoded, encoded, being written

/// The default size of parts. Smaller ones would cost more rows and sketches of large layers; larger ones would need
/// more memory at least.
constexpr std::uint64_t kPartBytes = 16 * kMiB;

/// The smallest share of one rank that holds a wave of one part, and the part that passes its end.
constexpr std::uint64_t kLeastShare = 2 * kPartBytes - kChunkBytes;

/// Default waves of a corpus: many, so that reading, encoding and writing overlap; and not too many, because each costs
/// a commit, and every rank a message to each other rank. Smaller waves than kSmallestWave gain nothing: measured on
/// corpora of 0.2 and 1 GB with 1 and 2 ranks.
constexpr std::uint64_t kWaves = 256;
constexpr std::uint64_t kSmallestWave = 64 * kMiB;
constexpr std::uint64_t kLargestWave = std::uint64_t{16} << 40;

/// What a rank may hold of one wave, the part that passes its end included.
std::uint64_t share_limit(const SweepOptions& options, int threads) {
  constexpr std::uint64_t kFreeThreads = 4;  // they fit in what --memory does not count
  constexpr std::uint64_t kScratchBytes = 8 * kChunkBytes;
  const auto n = static_cast<std::uint64_t>(threads);
  const auto scratch = n > kFreeThreads ? (n - kFreeThreads) * kScratchBytes : 0;
  return (options.memory_bytes - std::min(options.memory_bytes, scratch)) / kCopies;
}

/// The most bytes that a wave may have: shares are whole chunks.
std::uint64_t wave_limit(const SweepOptions& options, int ranks, int threads, std::uint64_t part_bytes) {
  const auto all = (share_limit(options, threads) + kChunkBytes) * static_cast<std::uint64_t>(ranks);
  return all - std::min(all, part_bytes);
}

}  // namespace

std::uint64_t choose_part_bytes(const SweepOptions& options, int threads) {
  if (share_limit(options, threads) < kLeastShare)
    throw UsageError(
        fmt::format("--memory {} is too little for {} threads: a rank needs {}, and {} for each thread above 4",
                    format_bytes(options.memory_bytes), threads, format_bytes(kLeastShare * kCopies),
                    format_bytes(8 * kChunkBytes)));
  if (options.wave_bytes == 0) return kPartBytes;
  if (options.wave_bytes < kChunkBytes)
    throw UsageError(fmt::format("--wave-bytes must be at least {}", format_bytes(kChunkBytes)));
  return std::clamp<std::uint64_t>(std::bit_floor(options.wave_bytes / 4), kChunkBytes, kPartBytes);
}

WaveSize choose_wave_size(const SweepOptions& options, int ranks, int threads, std::uint64_t part_bytes,
                          std::uint64_t corpus_bytes) {
  const auto limit = wave_limit(options, ranks, threads, part_bytes);
  if (options.wave_bytes != 0 && options.wave_bytes < part_bytes)
    throw UsageError(
        fmt::format("this archive has parts of {0}: use --wave-bytes of at least {0}", format_bytes(part_bytes)));
  if (options.wave_bytes > limit || part_bytes > limit) {
    const auto wave = std::max(options.wave_bytes, part_bytes);
    const auto share = (wave + part_bytes) / static_cast<std::uint64_t>(ranks);
    throw UsageError(
        fmt::format("waves of {} need --memory {} on each of {} ranks: lower --wave-bytes or raise --memory",
                    format_bytes(wave), format_bytes(share * kCopies), ranks));
  }
  if (options.wave_bytes != 0) return {options.wave_bytes};
  const auto wanted = std::clamp(std::bit_floor(corpus_bytes / kWaves), kSmallestWave, kLargestWave);
  const auto fits = std::bit_floor(limit);
  return {std::max(std::min(wanted, fits), part_bytes), fits < wanted};
}

}  // namespace elves::pipeline
