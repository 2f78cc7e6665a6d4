#pragma once

#include <string>

namespace elves::mpi {

enum class Threads { Single, Funneled, Serialized, Multiple };

/// Starts MPI and ends it: first in, last out of a main. Sets the ROMIO back end of OpenMPI (its own deadlocks on a
/// full disk), asks for `threads`, checks what it was given, and makes errors return. A main that throws past this
/// object ends all ranks with MPI_Abort, because a lone rank in MPI_Finalize would wait for ever.
class Environment {
 public:
  Environment(int& argc, char**& argv, Threads threads);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  int exceptions_ = 0;
};

/// Collective in effect: all ranks must call it or none. The program will end by MPI_Abort with exit code 1 instead of
/// MPI_Finalize: for a library that cannot be shut down in order (HDF5 after a failed close crashes in MPI_Finalize).
void never_finalize();

/// Ends all ranks at once. For a failure that only this rank knows of.
[[noreturn]] void abort(int exit_code);

std::string host_name();

}  // namespace elves::mpi
