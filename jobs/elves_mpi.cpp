#include <iostream>

#include "jobs/archive_options.hpp"
#include "jobs/common.hpp"
#include "mpi/environment.hpp"
#include "pipeline/sweep.hpp"
#include "support/posix.hpp"

namespace {

using namespace elves;

int exit_code(const pipeline::Report& report) {
  if (report.stopped) return jobs::kStopped;
  return report.failures.empty() ? jobs::kDone : jobs::kSomeSkipped;
}

int archive(int argc, char** argv, const mpi::Comm& comm) {
  const auto options = jobs::parse_archive_options(argc, argv, comm);
  if (!options) return jobs::kDone;
  const auto report = pipeline::sweep(comm, options->sweep);
  Result<void> written;
  if (comm.is_root()) {
    std::cout << pipeline::to_text(report, options->sweep.archive) << std::flush;
    if (!options->report.empty()) written = write_file_durably(options->report, pipeline::to_json(report));
  }
  comm.agree(written, "report (the archive is complete)");
  return static_cast<int>(comm.max(static_cast<std::uint64_t>(exit_code(report))));
}

}  // namespace

int main(int argc, char** argv) {
  const mpi::Environment environment(argc, argv, mpi::Threads::Funneled);
  return jobs::run("elves-mpi", mpi::world(), [&] { return archive(argc, argv, mpi::world()); });
}
