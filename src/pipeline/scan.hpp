#pragma once

#include <cstdint>
#include <vector>

#include "archive/catalog.hpp"
#include "corpus/file_entry.hpp"
#include "lineage/lineage.hpp"
#include "mpi/comm.hpp"
#include "pipeline/options.hpp"
#include "pipeline/report.hpp"
#include "plan/plan.hpp"

namespace elves::pipeline {

/// Collective. Walks the corpus and counts what is there. Paths that cannot be read become failures of `report`,
/// selections that match nothing become its unmatched. Throws AgreedFailure where there is no file to archive, unless
/// the options allow that. Nothing is written.
std::vector<corpus::FileEntry> walk_corpus(const mpi::Comm& comm, const SweepOptions& options, Report& report);

/// The files that a sweep is to archive.
struct Scanned {
  std::vector<plan::PlannedFile> files;  ///< of this rank: those of bases first, then in corpus order
  std::uint64_t bytes_before = 0;        ///< see plan::NewEntries
  lineage::Lineage lineage;              ///< of all models of the sweep
};

/// Collective. Leaves out the files that the catalog has unchanged, finds the lineage of the models of all others, and
/// parses these files. `walked`: of walk_corpus(). Counts and notes go into `report`: files that cannot be read are its
/// failures, files with bytes that elves cannot see its opaque files.
Scanned scan(const mpi::Comm& comm, const SweepOptions& options, std::vector<corpus::FileEntry> walked,
             const archive::Catalog& catalog, const KeyedHash& hash, Report& report);

}  // namespace elves::pipeline
