#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "mpi/progress.hpp"
#include "pipeline/options.hpp"

namespace elves::pipeline {

/// Shows the progress of all ranks on the standard error of rank 0. On a terminal one line is rewritten twice a second,
/// cut to the width of the terminal; elsewhere a line is added every 30 seconds. Never blocks.
class ProgressLine {
 public:
  /// Collective.
  ProgressLine(const mpi::Comm& comm, ProgressMode mode);

  std::atomic<std::uint64_t> bytes_read{0};
  std::atomic<std::uint64_t> bytes_encoded{0};
  std::atomic<std::uint64_t> bytes_committed{0};

  void set_total(std::uint64_t bytes) { total_bytes_ = bytes; }
  /// By the main thread of each rank, as often as it likes. Sends the counters of this rank to rank 0, which prints
  /// when it is time.
  void tick();
  /// Collective.
  void close();

 private:
  void print(const mpi::Progress::Counters& total);
  void rewrite(std::string line) const;

  bool show_ = false;
  bool rewrite_ = false;
  bool printed_ = false;
  std::uint64_t total_bytes_ = 0;
  std::chrono::steady_clock::time_point start_;
  mpi::Progress progress_;
};

}  // namespace elves::pipeline
