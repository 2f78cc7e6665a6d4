#pragma once

#include <vector>

#include "archive/catalog.hpp"
#include "lineage/lineage.hpp"
#include "mpi/comm.hpp"
#include "pipeline/options.hpp"
#include "pipeline/report.hpp"
#include "plan/plan.hpp"

namespace elves::pipeline {

/// What a sweep is to archive.
struct Scanned {
  std::vector<plan::PlannedFile> files;  ///< of this rank: those of bases first, then in corpus order
  lineage::Lineage lineage;              ///< of all models of the sweep
};

/// Collective. Walks the corpus, leaves out what the catalog says is archived, finds out which models rest on which,
/// and parses the rest. Counts and notes go into `report`; unreadable files become its failures, containers without
/// layers its opaque.
Scanned scan(const mpi::Comm& comm, const SweepOptions& options, const archive::Catalog& catalog, const KeyedHash& hash,
             Report& report);

}  // namespace elves::pipeline
