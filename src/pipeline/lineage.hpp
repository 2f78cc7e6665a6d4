#pragma once

#include <string>
#include <vector>

#include "lineage/lineage.hpp"
#include "lineage/lineage_source.hpp"
#include "mpi/comm.hpp"
#include "pipeline/options.hpp"

namespace elves::pipeline {

/// The models and lineage files of this rank's part of the walk, kept until it is known which models are new.
struct LineageSources {
  std::vector<lineage::LineageFile> files;
  std::vector<std::string> models;  ///< each once, in corpus order
};

LineageSources lineage_sources(const std::vector<corpus::FileEntry>& walked);

/// Collective. Finds the bases that the models of this sweep name. These are the models of `entries`, the files that
/// are left to archive. Their lineage files name the bases, whether archived before or not; --bases overrides them. A
/// lineage file that cannot be read names none. `archived_models`: hashes of the ids of some models of the archive, all
/// ranks together of all. Notes also that the corpus looks like the folder of one organisation.
lineage::FoundLineage find_lineage(const mpi::Comm& comm, const SweepOptions& options, const LineageSources& sources,
                                   const std::vector<corpus::FileEntry>& entries,
                                   const std::vector<Hash128>& archived_models, int threads);

/// Collective. Puts bases before the models that name them: sorts the entries by the tier of their model, then in
/// corpus order, in equal shares. They stay as they are where no model names another one of this sweep.
std::vector<corpus::FileEntry> bases_first(const mpi::Comm& comm, std::vector<corpus::FileEntry> entries,
                                           const lineage::Lineage& lineage);

}  // namespace elves::pipeline
