#include <unistd.h>

#include "jobs/archive_options.hpp"
#include "jobs/common.hpp"
#include "jobs/report_file.hpp"
#include "mpi/environment.hpp"
#include "pipeline/sweep.hpp"
#include "support/posix.hpp"
#include "support/try.hpp"

namespace {

using namespace elves;

int exit_code(const pipeline::Report& report) {
  if (report.stopped) return jobs::kStopped;
  return report.failures.empty() && report.unmatched.empty() ? jobs::kDone : jobs::kSomeSkipped;
}

/// Collective. The report file of rank 0; nothing on other ranks.
jobs::ReportFile open_report(const mpi::Comm& comm, const jobs::ArchiveOptions& options) {
  const bool opens = comm.is_root() && !options.report.empty();
  auto file = opens ? jobs::ReportFile::open(options.report, options.sweep.corpus) : jobs::ReportFile();
  comm.agree(file ? Result<void>() : file.error(), "--report");
  return std::move(file).value();
}

Result<void> show(const pipeline::Report& report, const std::string& archive, jobs::ReportFile& file) {
  const auto text = pipeline::to_text(report, archive);
  auto shown = file.is_standard_output() ? write_all(STDERR_FILENO, text) : jobs::print(text);
  if (file.is_wanted()) ELVES_CHECK(file.write(pipeline::to_json(report)));
  return shown;
}

int archive(int argc, char** argv, const mpi::Comm& comm) {
  const auto options = jobs::parse_archive_options(argc, argv, comm);
  if (!options) return jobs::kDone;
  auto file = open_report(comm, *options);
  const auto report = pipeline::sweep(comm, options->sweep);
  const auto shown = comm.is_root() ? show(report, options->sweep.archive, file) : Result<void>();
  comm.agree(shown, report.dry_run ? "report" : "report (the archive is complete)");
  return static_cast<int>(comm.max(static_cast<std::uint64_t>(exit_code(report))));
}

}  // namespace

int main(int argc, char** argv) {
  const mpi::Environment environment(argc, argv);
  return jobs::run("elves-mpi", mpi::world(), [&] { return archive(argc, argv, mpi::world()); });
}
