#pragma once

#include <memory>
#include <string>

#include "mpi/comm.hpp"

namespace elves::archive {

/// The right to add to an archive: one job at a time. Rank 0 holds a kernel lock on the file `lock` (it dies with the
/// process), and writes there who it is and, every 30 seconds, that it is alive. Where the file system's locks do not
/// reach across nodes, a lock of another host counts as dead after 15 minutes of silence.
/// Readers need no lock: shards only ever appear whole.
class Lock {
 public:
  /// Collective. Throws Locked on all ranks (exit code 11), naming the holder. `break_lock`: take it all the same.
  Lock(const mpi::Comm& comm, const std::string& archive, bool break_lock);
  ~Lock();
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace elves::archive
