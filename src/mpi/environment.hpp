#pragma once

#include <string>

namespace elves::mpi {

/// Starts MPI and ends it: the first object of a main. Chooses the ROMIO back end of OpenMPI (its own deadlocks on a
/// full disk), requires MPI_THREAD_FUNNELED (only the main thread calls MPI), and makes errors return. An exception
/// that leaves its scope ends all ranks by MPI_Abort, because MPI_Finalize waits for ranks that may never come.
class Environment {
 public:
  Environment(int& argc, char**& argv);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  int exceptions_ = 0;
};

/// All ranks must call it, or none. The program will end by MPI_Abort with exit code 1 instead of MPI_Finalize: for
/// libraries that cannot be shut down (HDF5 crashes in MPI_Finalize after a close that failed).
void never_finalize();

/// Ends all ranks at once, for a failure that the other ranks cannot know of.
[[noreturn]] void abort(int exit_code);

std::string host_name();

}  // namespace elves::mpi
