#pragma once

#include "mpi/comm.hpp"
#include "pipeline/options.hpp"
#include "pipeline/report.hpp"

namespace elves::pipeline {

/// Collective. Archives a corpus: scan, plan, then wave by wave (wave_loop.hpp). Returns the report; it is complete on
/// rank 0. Files that cannot be read are failures in the report. Throws on all ranks together: UsageError (sizes),
/// Locked (another job has the lock of the archive), Failure (MPI, HDF5, disk; committed waves stay).
Report sweep(const mpi::Comm& comm, const SweepOptions& options);

}  // namespace elves::pipeline
