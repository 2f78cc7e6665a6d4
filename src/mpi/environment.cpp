#include "mpi/environment.hpp"

#include <mpi.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "elves/error.hpp"
#include "mpi/comm.hpp"

namespace elves::mpi {
namespace {

bool finalize_is_unsafe = false;

}  // namespace

Environment::Environment(int& argc, char**& argv, Threads threads) : exceptions_(std::uncaught_exceptions()) {
  // OpenMPI's own MPI-IO is slower in collective writes and deadlocks when a disk is full; ROMIO returns an error.
  ::setenv("OMPI_MCA_io", "romio321", 0);
  // A main thread that waits within HDF5 must leave the core to the threads of its rank.
  ::setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
  constexpr std::array<int, 4> kLevels{MPI_THREAD_SINGLE, MPI_THREAD_FUNNELED, MPI_THREAD_SERIALIZED,
                                       MPI_THREAD_MULTIPLE};
  const int wanted = kLevels[static_cast<std::size_t>(threads)];
  int given = MPI_THREAD_SINGLE;
  check(MPI_Init_thread(&argc, &argv, wanted, &given), "MPI_Init_thread");
  check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  if (given < wanted) {
    std::fputs("elves: this MPI library cannot be called from a program with threads (MPI_THREAD_FUNNELED)\n", stderr);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
}

Environment::~Environment() {
  if (std::uncaught_exceptions() > exceptions_) MPI_Abort(MPI_COMM_WORLD, 1);
  if (finalize_is_unsafe) {
    MPI_Barrier(MPI_COMM_WORLD);  // rank 0 has said what happened
    abort(1);
  }
  MPI_Finalize();
}

void never_finalize() {
  finalize_is_unsafe = true;
}

void abort(int exit_code) {
  std::fflush(nullptr);
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

std::string host_name() {
  std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
  int length = 0;
  MPI_Get_processor_name(name.data(), &length);
  return {name.data(), static_cast<std::size_t>(length)};
}

}  // namespace elves::mpi
