#include <iostream>

#include "jobs/common.hpp"
#include "mpi/environment.hpp"
#include "pipeline/options.hpp"
#include "restore/verify.hpp"
#include "support/text.hpp"

namespace {

using namespace elves;
namespace po = boost::program_options;

constexpr const char* kAbout =
    "Checks everything an archive holds: checksums of rows and chunks, every layer decoded and\n"
    "held against its recorded digest, every base that one rests on, every file made up of its\n"
    "layers. With --against also compares with the corpus: bit for bit, or within the recorded\n"
    "bound where a layer was coded with loss.\n"
    "\n"
    "  mpirun -n 4 elves-verify --archive hub.elves --against /hub\n"
    "\n"
    "Exit codes: 0 no difference, 1 failed, 2 usage, 4 differences (each named).\n";

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

  const auto directory = archive::open_directory(comm, path);
  const auto whole = restore::verify(comm, directory, threads);
  auto differences = jobs::print_problems(comm, "elves-verify", whole.differences);
  if (comm.is_root()) {
    std::cout << "checked     " << whole.shards << " shards, " << whole.layers << " layers, " << whole.chunks
              << " chunks, " << whole.files << " files; decoded " << format_bytes(whole.decoded_bytes) << "\n";
    if (whole.references > 0) {
      std::cout << "references  " << whole.references << " layers rest on others, whose chunks were decoded "
                << whole.shared_chunks << " times\n";
    }
  }
  if (!against.empty()) {
    const auto compared = restore::verify_against(comm, directory, against, threads);
    differences += jobs::print_problems(comm, "elves-verify", compared.differences);
    if (comm.is_root()) {
      std::cout << "compared    " << compared.files << " paths, " << format_bytes(compared.compared_bytes) << ", with "
                << against << "; largest error of a float " << compared.max_abs_error << "\n";
    }
  }
  if (comm.is_root())
    std::cout << (differences == 0 ? "verified    no difference" : "DIFFERENT   " + std::to_string(differences))
              << "\n";
  return differences == 0 ? jobs::kDone : jobs::kDifferent;
}

}  // namespace

int main(int argc, char** argv) {
  const mpi::Environment environment(argc, argv, mpi::Threads::Funneled);
  return jobs::run("elves-verify", mpi::world(), [&] { return verify(argc, argv, mpi::world()); });
}
