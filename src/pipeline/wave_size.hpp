#pragma once

#include <cstdint>

#include "pipeline/options.hpp"

namespace elves::pipeline {

/// Bytes of the corpus in one wave, over all ranks.
struct WaveSize {
  std::uint64_t bytes = 0;
  bool is_reduced = false;  ///< the ranks cannot hold a wave of the default size: this is the largest that fits
};

/// The size of parts for a new archive: a constant, or less if --wave-bytes is small. Throws UsageError if --memory is
/// too little for `threads`, or --wave-bytes is smaller than a chunk.
std::uint64_t choose_part_bytes(const SweepOptions& options, int threads);

/// --wave-bytes if given, else a 256th of the corpus as a power of two, at least 64 MiB and at most 16 TiB: the same
/// for every number of ranks, and for a sweep that continues an earlier one. If the ranks cannot hold that, the largest
/// power of two that fits. At least `part_bytes` (of the archive). `threads` of each rank.
///
/// A rank holds its share of a wave four times: being read, being encoded, encoded, being written. A wave can pass its
/// size by one part. The scratch of threads above 4 is taken from --memory first. Throws UsageError if --wave-bytes or
/// the parts of the archive do not fit.
WaveSize choose_wave_size(const SweepOptions& options, int ranks, int threads, std::uint64_t part_bytes,
                          std::uint64_t corpus_bytes);

}  // namespace elves::pipeline
