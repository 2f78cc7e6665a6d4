#pragma once

#include "archive/archive_dir.hpp"
#include "archive/catalog.hpp"
#include "dedup/layer_table.hpp"
#include "mpi/comm.hpp"
#include "pipeline/base_search.hpp"
#include "pipeline/options.hpp"
#include "pipeline/progress_line.hpp"
#include "pipeline/report.hpp"
#include "pipeline/stop_request.hpp"
#include "pipeline/wave_size.hpp"
#include "plan/plan.hpp"

namespace elves::pipeline {

/// What follows from the options, the ranks and the corpus: computed once, before the first wave.
struct ResolvedOptions {
  int threads = 1;  ///< of OpenMP, on each rank
  std::uint64_t part_bytes = 0;
  WaveSize wave;
  LossId loss;       ///< what encoding may lose
  std::string text;  ///< for the shards' attribute `options`
};

/// What the waves of one sweep work on. sweep() owns all of it.
struct SweepContext {
  const mpi::Comm& comm;
  const SweepOptions& options;
  const ResolvedOptions& resolved;
  const archive::ArchiveDir& directory;
  const archive::Catalog& catalog;
  const StopRequest& stop;
  dedup::LayerTable& table;
  archive::FileHistory& history;
  BaseSearch& base_search;
  ProgressLine& progress;
  Report& report;
};

/// Collective. Takes the waves of a plan through read, fingerprint, deduplicate, encode, write and commit. While wave k
/// is encoded, wave k+1 is read and wave k-1 is written. Ends early, after a commit, if a stop is requested on any rank
/// and a wave is left: report.stopped. Files that cannot be read become failures in the report; the files of committed
/// waves are added to the history. Throws Failure on all ranks together; the waves that were committed before stay.
void archive_waves(const SweepContext& context, plan::Plan plan);

}  // namespace elves::pipeline
