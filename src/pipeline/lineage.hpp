#pragma once

#include <string>
#include <vector>

#include "lineage/lineage.hpp"
#include "lineage/lineage_source.hpp"
#include "mpi/comm.hpp"
#include "pipeline/options.hpp"

namespace elves::pipeline {

/// What this rank's part of the walk has to do with lineage: kept until it is known which models are new.
struct LineageSources {
  std::vector<lineage::LineageFile> files;
  std::vector<std::string> models;  ///< each once, in corpus order
};

LineageSources lineage_sources(const std::vector<corpus::FileEntry>& walked);

/// Collective. What the models of this sweep (those of `entries`, what is left to archive) are said to rest on: by
/// their own files, archived before or not, and by --bases, which overrules them. Files that cannot be read say
/// nothing. `archived_models`: hashes of the ids of any part of the archive's models.
lineage::FoundLineage find_lineage(const mpi::Comm& comm, const SweepOptions& options, const LineageSources& sources,
                                   const std::vector<corpus::FileEntry>& entries,
                                   const std::vector<Hash128>& archived_models, int threads);

/// Collective. Bases before what rests on them: the entries by the tier of their model, then in corpus order, in equal
/// shares. Where no model rests on another, they stay as they are.
std::vector<corpus::FileEntry> bases_first(const mpi::Comm& comm, std::vector<corpus::FileEntry> entries,
                                           const lineage::Lineage& lineage);

}  // namespace elves::pipeline
