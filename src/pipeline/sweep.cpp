#include "pipeline/sweep.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <optional>

#include "archive/archive_dir.hpp"
#include "archive/catalog.hpp"
#include "archive/lock.hpp"
#include "archive/tables.hpp"
#include "dedup/layer_table.hpp"
#include "pipeline/base_search.hpp"
#include "pipeline/progress_line.hpp"
#include "pipeline/scan.hpp"
#include "pipeline/stop_request.hpp"
#include "pipeline/stored_layers.hpp"
#include "pipeline/timed.hpp"
#include "pipeline/wave_loop.hpp"
#include "pipeline/wave_size.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"

namespace elves::pipeline {
namespace {

using Clock = std::chrono::steady_clock;

/// Refuses an archive inside its own corpus: it would archive itself, and grow with each sweep.
Result<void> check_corpus(const SweepOptions& options) {
  std::error_code error;
  if (!std::filesystem::is_directory(options.corpus, error))
    return Error{options.corpus + (error ? ": " + error.message() : ": not a directory")};
  if (lies_in(options.archive, options.corpus))
    return Error{"--archive " + options.archive + " lies inside the corpus: choose another place"};
  return {};
}

/// The archive of a sweep, and the right to add to it.
struct OpenArchive {
  std::optional<archive::ArchiveDir> directory;  ///< none in a dry run without archive
  std::optional<archive::Lock> lock;             ///< none in a dry run
};

/// Opens an archive, or creates it, and locks it.
void hold_archive(const mpi::Comm& comm, const SweepOptions& options, std::uint64_t part_bytes, OpenArchive& open) {
  archive::prepare_archive(comm, options.archive);
  open.lock.emplace(comm, options.archive, options.break_lock);
  open.directory = archive::open_or_create_archive(comm, options.archive, part_bytes);
  archive::remove_leftovers(comm, *open.directory);
}

/// Opens and locks an archive that exists; creates none.
void open_archive(const mpi::Comm& comm, const SweepOptions& options, OpenArchive& open) {
  if (!comm.any(comm.is_root() && std::filesystem::exists(options.archive + "/archive.json"))) return;
  if (options.dry_run)
    open.directory = archive::open_archive(comm, options.archive);
  else
    hold_archive(comm, options, 0, open);
}

/// Throws if a shard was lost: new shards refer to layers of the earlier ones.
void check_shards(const archive::ArchiveDir& directory) {
  const auto missing = directory.missing();
  if (!missing.empty())
    throw AgreedFailure(fmt::format("{}: {} is missing: bring it back before more is added to this archive",
                                    directory.path, archive::shard_name(missing.front())));
}

void count_dry_run(const plan::Plan& plan, Report& report) {
  for (const auto& file : plan.files) {
    report.archived_files += file.entry.kind != FileKind::Directory ? 1 : 0;
    report.archived_bytes += file.entry.kind == FileKind::Regular ? file.entry.size_bytes : 0;
  }
}

void finish_report(const mpi::Comm& comm, const SweepOptions& options, const archive::Catalog& catalog,
                   const archive::FileHistory& history, const lineage::Lineage& lineage, std::uint64_t archived_before,
                   Clock::time_point start, Report& report) {
  report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  report.peak_rss_bytes = peak_rss_bytes();
  report.exchanged_bytes = comm.bytes_sent();
  name_base_models(comm, catalog.model_names, lineage, report);
  report = gather(comm, report);
  if (!options.dry_run && !report.stopped && options.encode.use_delta) note_unused_lineage(lineage, report);
  const auto totals = history.totals(history.states(comm)).sum(comm);
  report.file_bytes_total = totals.current_bytes;
  report.superseded_bytes = totals.superseded_bytes;
  if (!comm.is_root() || options.dry_run) return;
  report.bytes_total = archive::bytes_on_disk(options.archive);
  report.bytes_added = report.bytes_total - std::min(report.bytes_total, archived_before);
}

}  // namespace

Report sweep(const mpi::Comm& comm, const SweepOptions& options) {
  const auto start = Clock::now();
  const StopRequest stop(options.max_duration_seconds);
  ResolvedOptions resolved;
  resolved.threads = static_cast<int>(comm.max(static_cast<std::uint64_t>(choose_threads(comm, options.threads))));
  resolved.part_bytes = choose_part_bytes(options, resolved.threads);
  resolved.loss = loss_of(options.encode);

  Report report;
  report.ranks = comm.size();
  report.threads = resolved.threads;
  report.lossless = resolved.loss.is_exact();
  report.dry_run = options.dry_run;
  report.level = options.encode.level;

  // Nothing is created before it is certain that there is something to archive.
  comm.agree(comm.is_root() ? check_corpus(options) : Result<void>{}, "corpus");
  const std::uint64_t archived_before = comm.is_root() ? archive::bytes_on_disk(options.archive) : 0;
  OpenArchive open;
  open_archive(comm, options, open);
  const auto set_sizes = [&](std::uint64_t corpus_bytes) {
    if (open.directory) resolved.part_bytes = open.directory->identity.part_bytes;
    resolved.wave = choose_wave_size(options, comm.size(), resolved.threads, resolved.part_bytes, corpus_bytes);
  };
  set_sizes(0);  // sizes that do not fit are refused before the corpus is walked
  auto walked = [&] {
    const Timed timed(report.phases.scan);
    return walk_corpus(comm, options, report);
  }();
  if (!open.directory && !options.dry_run) hold_archive(comm, options, resolved.part_bytes, open);
  const auto& directory = open.directory;
  if (directory) check_shards(*directory);
  set_sizes(comm.sum(report.corpus_bytes));
  resolved.text = describe(options, resolved.wave.bytes);
  report.wave_bytes = resolved.wave.bytes;
  report.wave_bytes_reduced = resolved.wave.is_reduced;

  const auto secret = directory ? directory->identity.hash_secret : std::vector<std::byte>(KeyedHash::kSecretBytes);
  archive::Catalog catalog;
  archive::FileHistory history{KeyedHash(secret)};
  dedup::LayerTable table;
  Scanned scanned;
  BaseSearch base_search(comm, [&](const Hash128& model) { return scanned.lineage.bases_of(model); });
  {
    const Timed timed(report.phases.scan);
    const auto take_layers = [&](const std::vector<archive::KnownLayer>& layers) { add_stored(comm, layers, table); };
    const auto take_bases = [&](const std::vector<archive::KnownBase>& bases) { base_search.add_known(bases); };
    if (directory)
      catalog = archive::load_catalog(comm, *directory, history, take_layers,
                                      options.encode.use_delta ? archive::TakeBases(take_bases) : nullptr);
    report.shards = directory ? directory->shards.size() : 0;
    scanned = scan(comm, options, std::move(walked), catalog, KeyedHash(secret), report);
  }
  auto plan =
      plan::make_plan(comm, std::move(scanned.files), {resolved.wave.bytes, resolved.part_bytes, scanned.bytes_before});
  if (options.dry_run) {
    count_dry_run(plan, report);
  } else {
    ProgressLine progress(comm, options.progress);
    progress.set_total(plan.total_bytes);
    archive_waves({comm, options, resolved, *directory, catalog, stop, table, history, base_search, progress, report},
                  std::move(plan));
    progress.close();
  }
  finish_report(comm, options, catalog, history, scanned.lineage, archived_before, start, report);
  return report;
}

}  // namespace elves::pipeline
