#pragma once

#include "mpi/comm.hpp"
#include "pipeline/options.hpp"
#include "pipeline/report.hpp"

namespace elves::pipeline {

/// Collective. Archives a corpus: scan, plan, then waves through read, fingerprint, deduplicate, encode, write, commit.
/// While wave k is encoded, wave k+1 is read and wave k-1 written. Returns the report, whole at rank 0.
/// Throws on all ranks together: UsageError (sizes), Locked (another job holds the archive), Failure (a broken world;
/// waves committed so far stay). Bad files are failures in the report.
Report sweep(const mpi::Comm& comm, const SweepOptions& options);

}  // namespace elves::pipeline
