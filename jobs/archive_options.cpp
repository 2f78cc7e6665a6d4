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
    "Exit codes: 0 all done, 1 failed or nothing to archive, 2 usage, 3 done but some files\n"
    "were skipped or some selections matched nothing (each named), 11 the archive is locked\n"
    "by another job, 75 stopped cleanly after a commit (SIGTERM, SIGUSR1, --max-duration):\n"
    "run again to go on.\n";

/// Files that options name.
struct NamedFiles {
  std::string list;   ///< --files-from
  std::string bases;  ///< --bases
};

void check_threads(int threads) {
  if (threads < 1 || threads > 4096) throw UsageError("--threads must be 1 or more");
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
  switch_all(false);
  for (const auto& word : split(list, ',')) {
    const auto stage = find_stage(word);
    if (word == "all")
      switch_all(true);
    else if (stage)
      pipeline::use(sweep, *stage, true);
    else
      throw UsageError(fmt::format("--stages: '{}' is not one of {}, all", word, kStages));
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

/// Binds the options of elves-mpi to `options`; files that options name are read later, from `files`.
void add_options(CommandLine& line, ArchiveOptions& options, NamedFiles& files) {
  auto& sweep = options.sweep;
  const auto text = [](std::string* to, const char* name) { return po::value(to)->value_name(name); };
  const auto globs = [](std::vector<std::string>* to) { return po::value(to)->composing()->value_name("GLOB"); };
  line.add("What is archived")                                                                                    //
      ("corpus", text(&sweep.corpus, "DIR"), "the directory tree to archive; it is only read")                    //
      ("archive", text(&sweep.archive, "DIR"), "the archive; created where it does not exist [./elves-archive]")  //
      ("include", globs(&sweep.walk.filter.include), "archive only paths that match (repeatable)")                //
      ("exclude", globs(&sweep.walk.filter.exclude), "leave out paths that match (repeatable)")                   //
      ("files-from", text(&files.list, "FILE"), "archive only the paths that FILE lists, one a line")             //
      ("allow-empty", po::bool_switch(&sweep.allow_empty), "succeed where there is nothing to archive")           //
      ("dry-run", po::bool_switch(&sweep.dry_run), "show what would be archived, write nothing");
  line.add("Loss")                                                                       //
      ("lossless", po::bool_switch(&sweep.encode.lossless), "store every byte exactly")  //
      ("error-bound", po::value(&sweep.encode.error_bound)->value_name("E"),
       "largest absolute error of a float [ELF's own for each type]")  //
      ("min-snr", po::value(&sweep.encode.min_snr_db)->value_name("DB"),
       "use ELF only where the signal-to-noise ratio stays above this; 0: always, as in the paper [70]");
  line.add("Size and speed")  //
      ("level", word_value("LEVEL", [&](const auto& word) { sweep.encode.level = parse_level(word); }),
       "fast, default or max [default]")  //
      ("stages", word_value("LIST", [&](const auto& list) { set_stages(list, sweep); }),
       "stages that may be used: all, or some of hd,elf,de,palette,planes,delta,zstd [all]")  //
      ("bases", text(&files.bases, "FILE"),
       "override lineage: which model was made from which, lines 'model<TAB>base'")  //
      ("threads", po::value(&sweep.threads)->value_name("N")->notifier(check_threads),
       "OpenMP threads of each rank [OMP_NUM_THREADS, else the cores of the host divided by its ranks]")  //
      ("memory", size_value(&sweep.memory_bytes), "memory for the data of each rank [2GiB]")              //
      ("wave-bytes", size_value(&sweep.wave_bytes),
       "bytes of the corpus in one wave, the unit of commit, over all ranks [by the size of the corpus]");
  line.add("The job")                                                                             //
      ("report", text(&options.report, "FILE"), "write a report as JSON; -: to standard output")  //
      ("progress", word_value("MODE", [&](const auto& word) { sweep.progress = parse_progress(word); }),
       "auto, plain or none [auto]")  //
      ("max-duration", duration_value(&sweep.max_duration_seconds),
       "stop after the commit that follows this time: 3h30m, 12:00:00")                                    //
      ("verify", po::bool_switch(&sweep.verify), "decode and read back each wave before it is committed")  //
      ("break-lock", po::bool_switch(&sweep.break_lock), "use the archive although another job has locked it");
  line.show({"corpus", "archive", "lossless", "include", "exclude", "dry-run", "threads", "memory", "max-duration",
             "report"});
  line.suggest("corpus");
}

void check(const ArchiveOptions& options) {
  const auto& encode = options.sweep.encode;
  if (options.sweep.corpus.empty()) throw UsageError("--corpus DIR is missing (see elves-mpi --help)");
  if (!std::isfinite(encode.error_bound) || encode.error_bound < 0)
    throw UsageError("--error-bound must be a number of at least 0");
  if (!std::isfinite(encode.min_snr_db)) throw UsageError("--min-snr must be a number");
  if (encode.lossless && encode.error_bound != 0)
    throw UsageError("--lossless and --error-bound contradict each other");
}

}  // namespace

std::optional<ArchiveOptions> parse_archive_options(int argc, char** argv, const mpi::Comm& comm) {
  CommandLine line("elves-mpi", "elves-mpi --corpus DIR [--archive DIR] [options]", kAbout);
  ArchiveOptions options;
  NamedFiles files;
  add_options(line, options, files);
  if (!parse(line, argc, argv, comm)) return std::nullopt;
  check(options);
  if (!files.list.empty()) options.sweep.walk.files_from = read_list(comm, files.list);
  if (!files.bases.empty()) options.sweep.bases = read_bases(comm, files.bases);
  return options;
}

}  // namespace elves::jobs
