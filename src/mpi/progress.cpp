#include "mpi/progress.hpp"

#include <algorithm>

namespace elves::mpi {
namespace {
constexpr int kTag = 1;
}

Progress::Progress(const Comm& comm, double interval_seconds)
    : rank_(comm.rank()),
      // Rank 0 receives at most about a thousand messages a second.
      interval_(std::max(interval_seconds, comm.size() / 1000.0)),
      last_(std::chrono::steady_clock::now()) {
  check(MPI_Comm_dup(comm.native(), &comm_), "MPI_Comm_dup");
  if (comm.is_root()) {
    latest_.resize(static_cast<std::size_t>(comm.size()));
    received_.resize(static_cast<std::size_t>(comm.size()));
  }
}

Progress::~Progress() = default;  // close() frees the communicator, because destructors do not communicate

bool Progress::tick(const Counters& mine) {
  if (rank_ == 0) {
    latest_[0] = mine;
    receive();
  }
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < interval_) return false;
  last_ = now;
  if (rank_ != 0) send(mine);
  return rank_ == 0;
}

void Progress::send(const Counters& mine) {
  int done = 0;
  check(MPI_Test(&request_, &done, MPI_STATUS_IGNORE), "MPI_Test");
  if (done == 0) return;  // the last message is still being sent: skip this one
  outgoing_ = mine;
  check(MPI_Isend(outgoing_.data(), static_cast<int>(kCounters), MPI_UINT64_T, 0, kTag, comm_, &request_), "MPI_Isend");
  ++sent_;
}

void Progress::receive() {
  for (;;) {
    int ready = 0;
    MPI_Status status{};
    check(MPI_Iprobe(MPI_ANY_SOURCE, kTag, comm_, &ready, &status), "MPI_Iprobe");
    if (ready == 0) return;
    const auto from = static_cast<std::size_t>(status.MPI_SOURCE);
    check(MPI_Recv(latest_[from].data(), static_cast<int>(kCounters), MPI_UINT64_T, status.MPI_SOURCE, kTag, comm_,
                   MPI_STATUS_IGNORE),
          "MPI_Recv");
    ++received_[from];
  }
}

Progress::Counters Progress::total() const {
  Counters sum{};
  for (const auto& counters : latest_) {
    for (std::size_t i = 0; i < kCounters; ++i) sum[i] += counters[i];
  }
  return sum;
}

void Progress::close() {
  if (comm_ == MPI_COMM_NULL) return;
  const auto sent = Comm(comm_).allgather(sent_);
  for (std::size_t from = 0; from < received_.size(); ++from) {
    for (; received_[from] < sent[from]; ++received_[from]) {
      check(MPI_Recv(latest_[from].data(), static_cast<int>(kCounters), MPI_UINT64_T, static_cast<int>(from), kTag,
                     comm_, MPI_STATUS_IGNORE),
            "MPI_Recv");
    }
  }
  check(MPI_Wait(&request_, MPI_STATUS_IGNORE), "MPI_Wait");
  check(MPI_Comm_free(&comm_), "MPI_Comm_free");
}

}  // namespace elves::mpi
