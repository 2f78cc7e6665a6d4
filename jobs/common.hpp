#pragma once

#include <functional>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "corpus/file_entry.hpp"
#include "mpi/comm.hpp"

namespace elves::jobs {

/// Frozen: scripts depend on them (DESIGN section 6).
enum ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kSomeSkipped = 3,
  kDifferent = 4,
  kLocked = 11,
  kStopped = 75
};

/// The command line of a command: options, --config FILE, --help, --version.
class CommandLine {
 public:
  /// `about`: what --help says before and after the list of options.
  CommandLine(std::string command, std::string usage, std::string about);

  boost::program_options::options_description_easy_init add() { return options_.add_options(); }
  /// Arguments without a name go to this option, at most `n` of them.
  void positional(const std::string& option, int n) { positional_.add(option.c_str(), n); }

  /// Collective. Parses; throws UsageError for what it cannot take. False where --help or --version was asked for and
  /// printed.
  bool parse(int argc, char** argv, const mpi::Comm& comm, boost::program_options::variables_map& values);

 private:
  std::string command_, usage_, about_;
  boost::program_options::options_description options_{"Options"};
  boost::program_options::positional_options_description positional_;
};

/// Collective. A file that the command line names, read by rank 0 for all: ranks must not differ in what they were
/// told. Throws UsageError on all ranks together.
std::string read_for_all(const mpi::Comm& comm, const std::string& option, const std::string& path);

/// Runs the body of a main. Failures that all ranks share become one line on rank 0's stderr and an exit code on all;
/// one that only this rank knows of ends all ranks.
int run(const std::string& command, const mpi::Comm& comm, const std::function<int()>& body);

/// Collective. Prints the problems of all ranks at rank 0, in order of path, at most 100; returns how many there are.
std::uint64_t print_problems(const mpi::Comm& comm, const std::string& command, const std::vector<PathProblem>& mine);

std::uint64_t bytes_option(const boost::program_options::variables_map& values, const std::string& name,
                           std::uint64_t otherwise);
double seconds_option(const boost::program_options::variables_map& values, const std::string& name, double otherwise);

}  // namespace elves::jobs
