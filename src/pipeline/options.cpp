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
/// A wave need not be larger than this for each rank: small waves overlap better and are committed sooner.
constexpr std::uint64_t kLargestDefaultShare = std::uint64_t{256} << 20;

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

}  // namespace

WaveSizes choose_sizes(const SweepOptions& options, int ranks, int threads) {
  const auto n = static_cast<std::uint64_t>(ranks);
  WaveSizes sizes;
  if (share_limit(options, threads) < 5 * kChunkBytes)
    throw UsageError("--memory " + format_bytes(options.memory_bytes) + " is too little for " +
                     std::to_string(threads) + " threads: a rank needs " + format_bytes(5 * kCopies * kChunkBytes) +
                     ", and " + format_bytes(8 * kChunkBytes) + " for each thread above 4");
  sizes.wave_bytes = options.wave_bytes;
  if (sizes.wave_bytes == 0)
    sizes.wave_bytes = down_to_chunk(std::min(share_limit(options, threads) / 5 * 4, kLargestDefaultShare) * n);
  sizes.part_bytes = std::clamp<std::uint64_t>(std::bit_floor(sizes.wave_bytes / 4), kChunkBytes, kLargestPart);
  if (sizes.wave_bytes < sizes.part_bytes)
    throw UsageError("--wave-bytes must be at least " + format_bytes(kChunkBytes));
  check_part_bytes(options, sizes, sizes.part_bytes, ranks, threads);
  return sizes;
}

void check_part_bytes(const SweepOptions& options, const WaveSizes& sizes, std::uint64_t part_bytes, int ranks,
                      int threads) {
  if (part_bytes > sizes.wave_bytes)
    throw UsageError("this archive has parts of " + format_bytes(part_bytes) +
                     ": use --wave-bytes of at least that (or more --memory)");
  const auto share = (sizes.wave_bytes + part_bytes) / static_cast<std::uint64_t>(ranks);
  if (share > share_limit(options, threads) + kChunkBytes)
    throw UsageError("waves of " + format_bytes(sizes.wave_bytes) + " need --memory " + format_bytes(share * kCopies) +
                     " on each of " + std::to_string(ranks) + " ranks: lower --wave-bytes or raise --memory");
}

std::uint32_t lossy_class(const EncodeOptions& options) {
  if (options.lossless || !options.use_elf) return 0;
  const double numbers[2] = {options.error_bound, std::max(options.min_snr_db, 0.0)};
  return static_cast<std::uint32_t>(checksum64(std::as_bytes(std::span(numbers)))) | 1u;
}

std::string describe(const SweepOptions& options, const WaveSizes& sizes) {
  const auto& encode = options.encode;
  std::string text = encode.lossless ? "lossless" : "lossy";
  if (!encode.lossless) text += fmt::format(" error-bound={} min-snr={}", encode.error_bound, encode.min_snr_db);
  text += " level=" + std::string(encode.level == Level::Fast  ? "fast"
                                  : encode.level == Level::Max ? "max"
                                                               : "default");
  text += " stages=";
  const auto stage = [&](bool on, const char* name) {
    text += on ? (text.back() == '=' ? "" : ",") + std::string(name) : "";
  };
  stage(options.deduplicate, "hd");
  stage(encode.use_de, "de");
  stage(encode.use_elf, "elf");
  stage(encode.use_planes, "planes");
  stage(encode.use_zstd, "zstd");
  return text + " wave-bytes=" + std::to_string(sizes.wave_bytes);
}

int choose_threads(const mpi::Comm& comm, int threads) {
  const int on_host = comm.ranks_on_host();
  if (threads > 0) return threads;
  if (std::getenv("OMP_NUM_THREADS") != nullptr) return std::max(1, omp_get_max_threads());
  return std::max(1, omp_get_num_procs() / on_host);
}

}  // namespace elves::pipeline
