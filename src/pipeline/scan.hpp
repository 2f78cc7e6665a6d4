#pragma once

#include <vector>

#include "archive/catalog.hpp"
#include "mpi/comm.hpp"
#include "pipeline/options.hpp"
#include "pipeline/report.hpp"
#include "plan/plan.hpp"

namespace elves::pipeline {

/// Collective. Walks the corpus, leaves out what `known` says is archived, and parses the rest: the files of this rank,
/// in corpus order. Counts go into `report`; unreadable files become its failures, containers without layers its
/// opaque.
std::vector<plan::PlannedFile> scan(const mpi::Comm& comm, const SweepOptions& options,
                                    const std::vector<archive::KnownFile>& known, const KeyedHash& hash,
                                    Report& report);

}  // namespace elves::pipeline
