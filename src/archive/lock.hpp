#pragma once

#include <memory>
#include <string>

#include "mpi/comm.hpp"

namespace elves::archive {

/// The right to add to an archive, which one job has at a time. Rank 0 holds a kernel lock on the file `lock`, which
/// ends with the process, writes its job and host into the file, and touches the file every 30 seconds. Some file
/// systems do not share locks between nodes: there, a lock of another host is ignored when its file is older than 15
/// minutes. Readers need no lock: a shard appears when it is complete.
class Lock {
 public:
  /// Collective. Takes the lock, also from another job where `break_lock`. Else throws Locked on all ranks (exit code
  /// 11), which names the holder.
  Lock(const mpi::Comm& comm, const std::string& archive, bool break_lock);
  ~Lock();
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace elves::archive
