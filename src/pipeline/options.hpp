#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "corpus/walk.hpp"
#include "elves/codec.hpp"
#include "lineage/bases_file.hpp"
#include "mpi/comm.hpp"
#include "support/loss_id.hpp"

namespace elves::pipeline {

enum class ProgressMode { Auto, Plain, None };

struct SweepOptions {
  std::string corpus;
  std::string archive = "elves-archive";
  EncodeOptions encode;
  bool deduplicate = true;  ///< stage hd
  corpus::WalkOptions walk;
  std::vector<lineage::ListedBase> bases;  ///< of --bases: override the lineage of the models that they name
  int threads = 0;                         ///< of OpenMP, on each rank; 0: see choose_threads()
  std::uint64_t memory_bytes = std::uint64_t{2} << 30;  ///< of each rank
  std::uint64_t wave_bytes = 0;                         ///< over all ranks; 0: see choose_wave_size()
  double max_duration_seconds = 0;                      ///< 0: no limit
  bool dry_run = false;
  bool allow_empty = false;  ///< a corpus without files, and selections that match none, are no failure
  bool verify = false;
  bool break_lock = false;
  ProgressMode progress = ProgressMode::Auto;
};

/// Exact if encoding with these options loses nothing; equal for options with the same bounds.
LossId loss_of(const EncodeOptions& options);

/// Whether a stage is on.
bool uses(const SweepOptions& options, Stage stage);
/// Switches a stage on or off.
void use(SweepOptions& options, Stage stage, bool on);

/// The options that determine the bytes of a shard, as a person reads them: the shard's attribute `options`.
std::string describe(const SweepOptions& options, std::uint64_t wave_bytes);

/// Collective. `threads` if not 0; else OMP_NUM_THREADS; else the cores of the host divided by the ranks on it.
int choose_threads(const mpi::Comm& comm, int threads);

}  // namespace elves::pipeline
