#include <fmt/format.h>

#include "jobs/common.hpp"
#include "mpi/environment.hpp"
#include "pipeline/options.hpp"
#include "restore/verify.hpp"
#include "support/text.hpp"

namespace {

using namespace elves;
namespace po = boost::program_options;

constexpr const char* kAbout =
    "Checks everything an archive holds: checksums of rows and chunks, the digest of every layer\n"
    "after decoding, the bases of deltas, and that the layers of every file make up the file.\n"
    "With --against also compares with the corpus: bit for bit, or within the recorded bound\n"
    "where a layer was stored with loss.\n"
    "\n"
    "  mpirun -n 4 elves-verify --archive hub.elves --against /hub\n"
    "\n"
    "Exit codes: 0 no difference, 1 failed, 2 usage, 4 differences (each named).\n";

void print_checked(const restore::VerifySummary& checked) {
  fmt::print("checked     {}, {}, {}, {}; decoded {}\n", counted(checked.shards, "shard"),
             counted(checked.layers, "layer"), counted(checked.chunks, "chunk"), counted(checked.files, "file"),
             format_bytes(checked.decoded_bytes));
  if (checked.deltas > 0)
    fmt::print("deltas      {}; {} decoded for them\n", counted(checked.deltas, "layer"),
               counted(checked.shared_chunks, "base chunk"));
}

void print_compared(const restore::VerifySummary& compared, const std::string& against) {
  fmt::print("compared    {}, {}, with {}; largest error of a float {:.3g}\n", counted(compared.files, "path"),
             format_bytes(compared.compared_bytes), against, compared.max_abs_error);
}

/// `good`: what was checked last.
void print_outcome(std::uint64_t differences, const restore::VerifySummary& good) {
  const auto outcome = differences == 0 ? "verified    no difference" : fmt::format("DIFFERENT   {}", differences);
  fmt::print("{}; {}\n", outcome, jobs::bounds_text(good.bounded_files, good.exact_files));
}

int verify(int argc, char** argv, const mpi::Comm& comm) {
  jobs::CommandLine line("elves-verify", "elves-verify --archive DIR [--against DIR]", kAbout);
  std::string path;
  std::string against;
  int threads = 0;
  line.add()("archive", po::value(&path)->value_name("DIR"), "the archive");
  line.add()("against", po::value(&against)->value_name("DIR"), "compare with this corpus");
  line.add()("threads", po::value(&threads)->value_name("N"), "OpenMP threads of each rank [as elves-mpi]");
  if (!jobs::parse(line, argc, argv, comm)) return jobs::kDone;
  if (path.empty()) throw UsageError("--archive DIR is missing (see elves-verify --help)");
  threads = pipeline::choose_threads(comm, threads);

  if (!against.empty()) comm.agree(comm.is_root() ? restore::check_corpus(against) : Result<void>{}, "--against");
  const auto directory = archive::open_archive(comm, path);
  auto summary = restore::verify(comm, directory, threads);
  auto differences = jobs::print_problems(comm, "elves-verify", summary.differences);
  if (comm.is_root()) print_checked(summary);
  if (!against.empty()) {
    summary = restore::verify_against(comm, directory, against, threads);
    differences += jobs::print_problems(comm, "elves-verify", summary.differences);
    if (comm.is_root()) print_compared(summary, against);
  }
  if (comm.is_root()) print_outcome(differences, summary);
  return differences == 0 ? jobs::kDone : jobs::kDifferent;
}

}  // namespace

int main(int argc, char** argv) {
  const mpi::Environment environment(argc, argv);
  return jobs::run("elves-verify", mpi::world(), [&] { return verify(argc, argv, mpi::world()); });
}
