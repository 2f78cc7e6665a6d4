#pragma once

#include <optional>
#include <string>

#include "mpi/comm.hpp"
#include "pipeline/options.hpp"

namespace elves::jobs {

struct ArchiveOptions {
  pipeline::SweepOptions sweep;
  std::string report;  ///< file for the JSON report; empty: none
};

/// Collective. Reads the command line of elves-mpi. Throws UsageError on all ranks; nothing where --help or --version
/// was printed.
std::optional<ArchiveOptions> parse_archive_options(int argc, char** argv, const mpi::Comm& comm);

}  // namespace elves::jobs
