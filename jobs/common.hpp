#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/command_line.hpp"
#include "mpi/comm.hpp"
#include "support/file_kind.hpp"

namespace elves::jobs {

/// Frozen: scripts depend on them (docs/guide/running.md).
enum ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kSomeSkipped = 3,
  kDifferent = 4,
  kLocked = 11,
  kStopped = 75
};

/// Collective. CommandLine::parse() on all ranks alike: rank 0 reads --config and prints help. Throws UsageError on all
/// ranks together. False where --help or --version was asked for.
bool parse(CommandLine& line, int argc, char** argv, const mpi::Comm& comm);

/// Collective. A file that an option names, read by rank 0 for all, so that ranks cannot see different contents. Throws
/// UsageError on all ranks together.
std::string read_for_all(const mpi::Comm& comm, const std::string& option, const std::string& path);

/// Runs the body of a main, and ends with kFailed where its output cannot be written. Failures that all ranks share
/// become one line on rank 0's stderr and an exit code on all; one that only this rank knows of ends all ranks.
int run(const std::string& command, const mpi::Comm& comm, const std::function<int()>& body);

/// Not collective. Writes to standard output. An Error where that fails: a full disk, a closed pipe.
Result<void> print(std::string_view text);

/// Collective. Prints the problems of all ranks at rank 0, in order of path, at most 100; returns how many there are.
std::uint64_t print_problems(const mpi::Comm& comm, const std::string& command, const std::vector<PathProblem>& mine);

/// "5 files within bounds, 34 bit for bit", or "34 files bit for bit".
std::string bounds_text(std::uint64_t bounded_files, std::uint64_t exact_files);

/// Says at rank 0, for each shard that is missing, what that means for what was listed, restored or verified.
void warn_of_missing(const mpi::Comm& comm, const std::string& command, std::span<const std::uint32_t> missing);

}  // namespace elves::jobs
