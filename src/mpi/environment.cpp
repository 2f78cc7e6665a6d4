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

Environment::Environment(int& argc, char**& argv) : exceptions_(std::uncaught_exceptions()) {
  // OpenMPI's own MPI-IO is slower in collective writes, and deadlocks if the disk is full. ROMIO returns an error.
  ::setenv("OMPI_MCA_io", "romio321", 0);
  // A main thread that waits in HDF5 must leave the core to the worker threads of its rank.
  ::setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
  int given = MPI_THREAD_SINGLE;
  check(MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &given), "MPI_Init_thread");
  check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  if (given < MPI_THREAD_FUNNELED) {
    std::fputs("elves: this MPI library does not support programs with threads (MPI_THREAD_FUNNELED)\n", stderr);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
}

Environment::~Environment() {
  if (std::uncaught_exceptions() > exceptions_) MPI_Abort(MPI_COMM_WORLD, 1);
  if (finalize_is_unsafe) {
    MPI_Barrier(MPI_COMM_WORLD);  // rank 0 has printed the error
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
