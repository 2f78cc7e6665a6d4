#pragma once

#include <cstdint>
#include <string>

#include "corpus/walk.hpp"
#include "elves/codec.hpp"
#include "mpi/comm.hpp"

namespace elves::pipeline {

enum class ProgressMode { Auto, Plain, None };

struct SweepOptions {
  std::string corpus;
  std::string archive = "elves-archive";
  EncodeOptions encode;
  bool deduplicate = true;  ///< stage hd
  corpus::WalkOptions walk;
  int threads = 0;  ///< of OpenMP, each rank; 0: the cores of the host shared by its ranks
  std::uint64_t memory_bytes = std::uint64_t{2} << 30;  ///< each rank
  std::uint64_t wave_bytes = 0;                         ///< over all ranks; 0: as much as memory_bytes allows
  double max_duration_seconds = 0;                      ///< 0: no limit
  bool dry_run = false;
  bool verify = false;
  bool break_lock = false;
  ProgressMode progress = ProgressMode::Auto;
};

/// The sizes that a sweep works with.
struct WaveSizes {
  std::uint64_t wave_bytes = 0;
  std::uint64_t part_bytes = 0;  ///< for a new archive; an existing one has its own
};

/// `threads` resolved. What more than 4 threads need as scratch is taken off --memory first. Of the rest, a wave takes
/// its share once for each of: being read, being encoded, encoded, being written. Throws UsageError where --wave-bytes
/// does not fit in --memory.
WaveSizes choose_sizes(const SweepOptions& options, int ranks, int threads);

/// Throws UsageError where an archive's parts are too large for this --memory or --wave-bytes.
void check_part_bytes(const SweepOptions& options, const WaveSizes& sizes, std::uint64_t part_bytes, int ranks,
                      int threads);

/// 0 where these options change no float; else a number that is the same for options that lose the same.
std::uint32_t lossy_class(const EncodeOptions& options);

/// For a shard's attribute: the choices that shape its bytes, for people.
std::string describe(const SweepOptions& options, const WaveSizes& sizes);

/// Collective. `threads` resolved: OMP_NUM_THREADS, else the host's cores divided by the ranks on it.
int choose_threads(const mpi::Comm& comm, int threads);

}  // namespace elves::pipeline
