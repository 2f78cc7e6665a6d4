#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "mpi/comm.hpp"

namespace elves::mpi {

/// Sums counters of all ranks at rank 0 while the ranks work, without any rank waiting for another. The main thread of
/// each rank calls tick() as often as it likes. tick() sends the counters to rank 0 at most once every
/// `interval_seconds`, by a small non-blocking message on a communicator of its own; rank 0 receives what has arrived.
class Progress {
 public:
  static constexpr std::size_t kCounters = 3;
  using Counters = std::array<std::uint64_t, kCounters>;

  /// Collective.
  Progress(const Comm& comm, double interval_seconds);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Not collective, never blocks. True at rank 0 once every `interval_seconds`: total() may be printed.
  bool tick(const Counters& mine);

  /// Rank 0: the sum of the latest counters of all ranks.
  Counters total() const;

  /// Collective. Receives the messages that are still under way.
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
