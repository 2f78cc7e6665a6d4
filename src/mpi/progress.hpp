#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "mpi/comm.hpp"

namespace elves::mpi {

/// Counters of all ranks, summed at rank 0 while the ranks work: no rank ever waits for another.
/// tick() is called by the main thread of each rank, as often as it likes; it sends the rank's counters to rank 0 at
/// most once in `interval_seconds` (non-blocking, small, on a communicator of its own), and rank 0 takes what has come.
class Progress {
 public:
  static constexpr std::size_t kCounters = 4;
  using Counters = std::array<std::uint64_t, kCounters>;

  /// Collective.
  Progress(const Comm& comm, double interval_seconds);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Not collective, never blocks. True at rank 0 when `interval_seconds` have passed: time to print total().
  bool tick(const Counters& mine);

  /// Rank 0: the newest counters of all ranks, summed.
  Counters total() const;

  /// Collective: takes in what is still on its way.
  void close();

 private:
  void receive();
  void send(const Counters& mine);

  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0;
  std::chrono::duration<double> interval_;
  std::chrono::steady_clock::time_point last_;
  std::vector<Counters> latest_;
  Counters outgoing_{};
  MPI_Request request_ = MPI_REQUEST_NULL;
  std::uint64_t sent_ = 0;
  std::vector<std::uint64_t> received_;
};

}  // namespace elves::mpi
