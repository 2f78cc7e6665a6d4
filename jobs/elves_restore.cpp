#include <fmt/format.h>

#include "jobs/common.hpp"
#include "mpi/environment.hpp"
#include "pipeline/options.hpp"
#include "restore/restore.hpp"
#include "support/text.hpp"

namespace {

using namespace elves;
namespace po = boost::program_options;

constexpr const char* kAbout =
    "Restores models or files from an archive, in parallel over files: contents, modes,\n"
    "times, links. Every file is checked against its recorded digest, and appears under its\n"
    "name only when it is whole. Nothing that exists is replaced without --force.\n"
    "\n"
    "  mpirun -n 4 elves-restore --archive hub.elves --to /scratch/hub\n"
    "  elves-restore --archive hub.elves --model org/name --to .\n"
    "\n"
    "Where a model or path of --model and --path is no more, its latest version is restored.\n"
    "\n"
    "Exit codes: 0 all done, 1 failed, or nothing matches, 2 usage, 3 done but some files were\n"
    "not restored, some selections match nothing, or a shard is missing (each named).\n";

int run_restore(int argc, char** argv, const mpi::Comm& comm) {
  jobs::CommandLine line("elves-restore", "elves-restore --archive DIR [--model ID]... [--path GLOB]... --to DIR",
                         kAbout);
  restore::RestoreOptions options;
  std::string path;
  line.add()("archive", po::value(&path)->value_name("DIR"), "the archive");
  line.add()("to", po::value(&options.to)->value_name("DIR"), "where to restore; missing or empty, or --force");
  line.add()("model", po::value(&options.selection.models)->composing()->value_name("ID"),
             "only this model, or glob of models (may be repeated)");
  line.add()("path", po::value(&options.selection.paths)->composing()->value_name("GLOB"),
             "only this path, or paths that match (may be repeated)");
  bool no_follow = false;
  line.add()("no-follow", po::bool_switch(&no_follow),
             "with --model, --path: leave out what selected symbolic links lead to");
  line.add()("force", po::bool_switch(&options.force), "replace files that exist");
  line.add()("threads", po::value(&options.threads)->default_value(0, "")->value_name("N"),
             "OpenMP threads of each rank [as elves-mpi]");
  if (!jobs::parse(line, argc, argv, comm)) return jobs::kDone;
  if (path.empty() || options.to.empty())
    throw UsageError("--archive DIR and --to DIR are needed (see elves-restore --help)");
  options.selection.follow_links = !no_follow;
  options.threads = pipeline::choose_threads(comm, options.threads);

  const auto directory = archive::open_archive(comm, path);
  const auto summary = restore::restore(comm, directory, options);
  const auto problems = jobs::print_problems(comm, "elves-restore", summary.problems);
  jobs::warn_of_missing(comm, "elves-restore", directory.missing());
  if (comm.is_root()) {
    for (const auto& text : summary.unmatched) fmt::print(stderr, "elves-restore: {} matches nothing\n", text);
    fmt::print("restored    {}, {}, to {}\n", counted(summary.paths, "path"), format_bytes(summary.bytes), options.to);
    fmt::print("checked     {}\n", jobs::bounds_text(summary.bounded_files, summary.exact_files));
    if (problems > 0) fmt::print("not restored {}\n", counted(problems, "path"));
  }
  const bool is_whole = problems == 0 && summary.unmatched.empty() && directory.missing().empty();
  return is_whole ? jobs::kDone : jobs::kSomeSkipped;
}

}  // namespace

int main(int argc, char** argv) {
  const mpi::Environment environment(argc, argv);
  return jobs::run("elves-restore", mpi::world(), [&] { return run_restore(argc, argv, mpi::world()); });
}
