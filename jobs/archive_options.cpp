#include "jobs/archive_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "elves/error.hpp"
#include "jobs/common.hpp"
#include "support/text.hpp"

namespace elves::jobs {
namespace {

namespace po = boost::program_options;

constexpr const char* kStages = "hd, elf, de, palette, planes, delta, zstd";

constexpr const char* kAbout =
    "Archives a hub of pre-trained models: splits the corpus over the ranks, stores every\n"
    "layer once, and encodes it. Running the same command again adds only what is new or\n"
    "has changed; a job that was killed goes on where its last commit was.\n"
    "\n"
    "  srun elves-mpi --corpus /hub --archive /scratch/hub.elves\n"
    "  mpirun -n 4 --bind-to none elves-mpi --corpus /hub --lossless --report sweep.json\n"
    "\n"
    "By default float layers may change within the bound of ELF (float32: 2^-24 absolute)\n"
    "where their signal-to-noise ratio stays above --min-snr; --lossless forbids that.\n"
    "\n"
    "Exit codes: 0 all done, 1 failed, 2 usage, 3 done but some files were skipped (each\n"
    "named), 11 the archive is locked by another job, 75 stopped cleanly after a commit\n"
    "(SIGTERM, SIGUSR1, --max-duration): run again to go on.\n";

void add_options(CommandLine& line) {
  const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
  const auto list = [](const char* name) {
    return po::value<std::vector<std::string>>()->composing()->value_name(name);
  };
  line.add()("corpus", text("DIR"), "the directory tree to archive (only read)");
  line.add()("archive", text("DIR"), "the archive, made where it is missing [./elves-archive]");
  line.add()("lossless", po::bool_switch(), "every byte comes back as it was");
  line.add()("error-bound", po::value<double>()->value_name("E"),
             "largest absolute error of a float [ELF's own for its type]");
  line.add()("min-snr", po::value<double>()->value_name("DB"),
             "ELF only where the signal-to-noise ratio stays above this; 0: always, as in the paper [70]");
  line.add()("level", text("LEVEL"), "fast, default or max [default]");
  line.add()("stages", text("LIST"),
             "stages that may be used: all, or some of hd,elf,de,palette,planes,delta,zstd [all]");
  line.add()("include", list("GLOB"), "archive only paths that match (may be repeated)");
  line.add()("exclude", list("GLOB"), "leave out paths that match (may be repeated)");
  line.add()("files-from", text("FILE"), "archive only the paths that FILE lists, one a line");
  line.add()("bases", text("FILE"), "lines 'model TAB base': which model was made from which, where READMEs are wrong");
  line.add()("threads", po::value<int>()->value_name("N"),
             "OpenMP threads of each rank [OMP_NUM_THREADS, or the cores shared by the ranks of a host]");
  line.add()("memory", text("SIZE"), "memory for the data of each rank [2GiB]");
  line.add()("wave-bytes", text("SIZE"),
             "bytes in memory at once over all ranks, the unit of commit [by corpus and --memory]");
  line.add()("max-duration", text("TIME"), "stop cleanly after a commit when this has passed: 3h30m, 12:00:00");
  line.add()("dry-run", po::bool_switch(), "say what would be archived, write nothing");
  line.add()("verify", po::bool_switch(), "decode what was encoded and read back what was written before each commit");
  line.add()("report", text("FILE"), "write a report as JSON");
  line.add()("progress", text("MODE"), "auto, plain or none [auto]");
  line.add()("break-lock", po::bool_switch(), "take the archive although another job has locked it");
}

Level parse_level(const std::string& name) {
  if (name == "fast") return Level::Fast;
  if (name == "default") return Level::Default;
  if (name == "max") return Level::Max;
  throw UsageError("--level: '" + name + "' is not fast, default or max");
}

pipeline::ProgressMode parse_progress(const std::string& name) {
  if (name == "auto") return pipeline::ProgressMode::Auto;
  if (name == "plain") return pipeline::ProgressMode::Plain;
  if (name == "none") return pipeline::ProgressMode::None;
  throw UsageError("--progress: '" + name + "' is not auto, plain or none");
}

std::optional<Stage> find_stage(const std::string& word) {
  for (std::size_t i = 0; i < kStageCount; ++i) {
    if (name(static_cast<Stage>(i)) == word) return static_cast<Stage>(i);
  }
  return std::nullopt;
}

/// Switches on the stages that `list` names, and all others off.
void set_stages(const std::string& list, pipeline::SweepOptions& sweep) {
  const auto switch_all = [&](bool on) {
    for (std::size_t i = 0; i < kStageCount; ++i) pipeline::use(sweep, static_cast<Stage>(i), on);
  };
  if (list == "all") return switch_all(true);
  switch_all(false);
  for (const auto& word : split(list, ',')) {
    const auto stage = find_stage(word);
    if (!stage) throw UsageError(fmt::format("--stages: '{}' is not one of {}, all", word, kStages));
    pipeline::use(sweep, *stage, true);
  }
}

std::vector<std::string> read_list(const mpi::Comm& comm, const std::string& path) {
  auto lines = split(read_for_all(comm, "--files-from", path), '\n');
  std::erase(lines, "");
  if (lines.empty()) throw UsageError("--files-from " + path + " lists nothing");
  return lines;
}

std::vector<lineage::ListedBase> read_bases(const mpi::Comm& comm, const std::string& path) {
  auto bases = lineage::parse_bases_file(read_for_all(comm, "--bases", path));
  if (!bases) throw UsageError("--bases " + path + ": " + bases.error().message);
  return std::move(bases).value();
}

ArchiveOptions read(const po::variables_map& values, const mpi::Comm& comm) {
  ArchiveOptions options;
  auto& sweep = options.sweep;
  const auto text = [&](const char* name, std::string& to) {
    if (values.count(name) != 0) to = values[name].as<std::string>();
  };
  if (values.count("corpus") == 0) throw UsageError("--corpus DIR is missing (see elves-mpi --help)");
  text("corpus", sweep.corpus);
  text("archive", sweep.archive);
  text("report", options.report);
  sweep.encode.lossless = values["lossless"].as<bool>();
  if (values.count("error-bound") != 0) sweep.encode.error_bound = values["error-bound"].as<double>();
  if (values.count("min-snr") != 0) sweep.encode.min_snr_db = values["min-snr"].as<double>();
  if (!std::isfinite(sweep.encode.error_bound) || sweep.encode.error_bound < 0)
    throw UsageError("--error-bound must be a number of at least 0");
  if (!std::isfinite(sweep.encode.min_snr_db)) throw UsageError("--min-snr must be a number");
  if (sweep.encode.lossless && values.count("error-bound") != 0)
    throw UsageError("--lossless and --error-bound contradict each other");
  if (values.count("level") != 0) sweep.encode.level = parse_level(values["level"].as<std::string>());
  if (values.count("stages") != 0) set_stages(values["stages"].as<std::string>(), sweep);
  if (values.count("include") != 0) sweep.walk.filter.include = values["include"].as<std::vector<std::string>>();
  if (values.count("exclude") != 0) sweep.walk.filter.exclude = values["exclude"].as<std::vector<std::string>>();
  if (values.count("files-from") != 0) sweep.walk.files_from = read_list(comm, values["files-from"].as<std::string>());
  if (values.count("bases") != 0) sweep.bases = read_bases(comm, values["bases"].as<std::string>());
  if (values.count("threads") != 0) {
    sweep.threads = values["threads"].as<int>();
    if (sweep.threads < 1 || sweep.threads > 4096) throw UsageError("--threads must be 1 or more");
  }
  sweep.memory_bytes = bytes_option(values, "memory", sweep.memory_bytes);
  sweep.wave_bytes = bytes_option(values, "wave-bytes", 0);
  sweep.max_duration_seconds = seconds_option(values, "max-duration", 0);
  sweep.dry_run = values["dry-run"].as<bool>();
  sweep.verify = values["verify"].as<bool>();
  sweep.break_lock = values["break-lock"].as<bool>();
  if (values.count("progress") != 0) sweep.progress = parse_progress(values["progress"].as<std::string>());
  return options;
}

}  // namespace

std::optional<ArchiveOptions> parse_archive_options(int argc, char** argv, const mpi::Comm& comm) {
  CommandLine line("elves-mpi", "elves-mpi --corpus DIR [--archive DIR] [options]", kAbout);
  add_options(line);
  po::variables_map values;
  if (!line.parse(argc, argv, comm, values)) return std::nullopt;
  return read(values, comm);
}

}  // namespace elves::jobs
