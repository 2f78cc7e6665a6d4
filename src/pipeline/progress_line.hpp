#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "mpi/progress.hpp"
#include "pipeline/options.hpp"

namespace elves::pipeline {

/// The progress of all ranks, on rank 0's stderr: one line that is rewritten on a terminal, a line every 30 seconds
/// otherwise. Never blocks.
class ProgressLine {
 public:
  /// Collective.
  ProgressLine(const mpi::Comm& comm, ProgressMode mode);

  std::atomic<std::uint64_t> bytes_read{0};
  std::atomic<std::uint64_t> bytes_encoded{0};
  std::atomic<std::uint64_t> bytes_committed{0};

  void set_total(std::uint64_t bytes) { total_bytes_ = bytes; }
  /// Main thread: sends this rank's counters, and prints at rank 0 when it is time.
  void tick();
  /// Collective.
  void close();

 private:
  void print(const mpi::Progress::Counters& total);

  bool show_ = false;
  bool rewrite_ = false;
  bool printed_ = false;
  std::uint64_t total_bytes_ = 0;
  std::chrono::steady_clock::time_point start_;
  mpi::Progress progress_;
};

}  // namespace elves::pipeline
