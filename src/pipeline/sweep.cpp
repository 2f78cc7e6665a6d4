#include "pipeline/sweep.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>

#include "archive/catalog.hpp"
#include "archive/directory.hpp"
#include "archive/lock.hpp"
#include "archive/shard_writer.hpp"
#include "dedup/exchange.hpp"
#include "pipeline/base_reader.hpp"
#include "pipeline/base_search.hpp"
#include "pipeline/encode_stage.hpp"
#include "pipeline/progress_line.hpp"
#include "pipeline/read_stage.hpp"
#include "pipeline/scan.hpp"
#include "pipeline/shard_rows.hpp"
#include "pipeline/stop_request.hpp"
#include "pipeline/stored_layers.hpp"
#include "pipeline/wave_exchange.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"

namespace elves::pipeline {
namespace {

using Clock = std::chrono::steady_clock;

/// Adds the time until its end to a phase.
class Timed {
 public:
  explicit Timed(double& seconds) : seconds_(seconds), start_(Clock::now()) {}
  ~Timed() { seconds_ += std::chrono::duration<double>(Clock::now() - start_).count(); }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  double& seconds_;
  Clock::time_point start_;
};

/// A stage at work in a thread of its own. The main thread waits in short steps, so that progress goes on.
class Background {
 public:
  void start(std::function<Result<void>()> work) {
    future_ = std::async(std::launch::async, [work = std::move(work)]() -> Result<void> {
      try {
        return work();
      } catch (const std::exception& error) {
        return Error{error.what()};
      }
    });
  }

  Result<void> wait(ProgressLine& progress) {
    if (!future_.valid()) return {};
    while (future_.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready) progress.tick();
    return future_.get();
  }

 private:
  std::future<Result<void>> future_;
};

/// A wave that is encoded and settled, and waits to be written.
struct Finished {
  archive::ShardHeader header;
  archive::ShardPart part;
  std::uint64_t raw_bytes = 0;
};

/// The waves of one sweep. Members by the stage that they belong to; the loop of run() is the order of things.
class Waves {
 public:
  Waves(const mpi::Comm& comm, const SweepOptions& options, const archive::Directory& directory,
        const archive::Catalog& catalog, dedup::LayerTable& table, BaseSearch& families, plan::Plan plan,
        std::uint64_t wave_bytes, StopRequest& stop, ProgressLine& progress, Report& report)
      : comm_(comm),
        options_(options),
        table_(table),
        base_search_(families),
        plan_(std::move(plan)),
        stop_(stop),
        progress_(progress),
        report_(report),
        hash_(directory.identity.hash_secret),
        loss_(loss_of(options.encode)),
        writer_(comm, directory, options.verify),
        base_reader_(directory, options.corpus, hash_, report.threads),
        encoder_(report.threads, options.encode, hash_, options.verify),
        first_shard_(catalog.next_shard),
        next_shard_(catalog.next_shard),
        sweep_(catalog.next_sweep),
        description_(describe(options, wave_bytes)),
        failed_(plan_.files.size()),
        units_(plan_.units.size()) {
    reading_stats_.bytes_done = &progress_.bytes_read;
  }

  void run() {
    report_.stopped = comm_.any(StopRequest::signalled()) && plan_.n_waves > 0;
    if (plan_.n_waves > 0 && !report_.stopped) start_reading(0);
    for (std::uint64_t wave = 0; wave < plan_.n_waves && !report_.stopped; ++wave) {
      take_read_wave();
      if (wave + 1 < plan_.n_waves) start_reading(wave + 1);
      encoding_.start([this] {
        return encoder_.run(assigned_, raw_[current_], base_reader_, arenas_[current_], progress_.bytes_encoded);
      });
      write_finished();
      comm_.agree(wait_for_encoding(), "encode");
      settle(wave);
      report_.stopped = comm_.any(stop_.is_set()) && wave + 1 < plan_.n_waves;
    }
    reading_stats_.cancel = report_.stopped;
    write_finished();
    comm_.agree(reading_.wait(progress_), "read");  // of a wave that is dropped where the sweep stops early
    report_.phases.read += reading_stats_.read_seconds;
    report_.phases.fingerprint += reading_stats_.hash_seconds;
    report_.encoding = encoder_.sums();
  }

  /// Adds the files of all waves that were committed.
  void add_committed(archive::FileHistory& history) const {
    for (std::size_t f = 0; f < plan_.files.size(); ++f) {
      const auto& file = plan_.files[f];
      if (failed_[f] || file.wave >= n_settled_) continue;
      history.add(file.entry.path, file.entry.kind, archive::order_of(first_shard_, 0), file.entry.size_bytes);
    }
  }

 private:
  void start_reading(std::uint64_t wave) {
    {
      const Timed timed(report_.phases.exchange);
      assign(comm_, plan_, wave, failed_, next_planned_, next_assigned_);
    }
    auto& raw = raw_[wave % 2];
    reading_.start([this, &raw]() -> Result<void> {
      read_chunks(options_.corpus, hash_, encoder_.threads(), next_assigned_, raw, reading_stats_);
      return {};
    });
  }

  /// Waits for the wave that is being read, makes it the current one, and deduplicates it.
  void take_read_wave() {
    comm_.agree(reading_.wait(progress_), "read");
    assigned_ = std::move(next_assigned_);
    planned_ = std::move(next_planned_);
    current_ = planned_.wave % 2;
    const Timed timed(report_.phases.exchange);
    auto news = collect_read_results(comm_, plan_, planned_, assigned_);
    for (const auto& [file, reason] : news.failed) fail_file(file, reason);
    dedup_ = {};
    const auto units = units_of(plan_, planned_.wave);
    for (auto u = units.first; u < units.last; ++u) {
      if (failed_[plan_.units[u].file]) continue;
      const auto& extent = plan_.files[plan_.units[u].file].parsed.extents[plan_.units[u].extent];
      units_[u].fingerprint = hash_.combine(news.digests[u - units.first]);
      dedup_.units.push_back(u);
      dedup_.keys.push_back({units_[u].fingerprint, plan_.units[u].size_bytes, extent.dtype});
      dedup_.allowed.push_back(extent.lossless ? kExact : loss_);
    }
    deduplicate();
    tasks_.assign(units.last - units.first, {});
    for (std::size_t i = 0; i < dedup_.units.size(); ++i) {
      const auto& result = dedup_.results[i];
      if (result.kind == dedup::Dedup::First)
        tasks_[dedup_.units[i] - units.first] = {.encode = true, .allowed = result.allowed};
    }
    send_tasks(comm_, plan_, planned_, tasks_, assigned_);
    place_new_layers();
    if (options_.encode.use_delta) choose_bases(units.first, std::move(news.digests));
    base_reader_.prepare(assigned_, raw_[current_]);
  }

  /// New layers get their rows in corpus order.
  void place_new_layers() {
    std::uint64_t n_new = 0;
    for (const auto& result : dedup_.results) n_new += result.kind == dedup::Dedup::First ? 1 : 0;
    auto row = comm_.exscan(n_new);
    for (const auto& result : dedup_.results) {
      const bool is_new = result.kind == dedup::Dedup::First;
      dedup_.places.push_back(is_new ? LayerRef{next_shard_, row++} : result.stored.place);
    }
    dedup_.family.resize(dedup_.units.size());
  }

  /// `digests`: of chunks, by unit of the wave.
  void choose_bases(std::size_t first_unit, std::vector<std::vector<Hash128>> digests) {
    std::vector<NewLayer> news;
    std::vector<std::size_t> keys;
    for (std::size_t i = 0; i < dedup_.units.size(); ++i) {
      const auto& result = dedup_.results[i];
      if (result.kind != dedup::Dedup::First) continue;
      const auto u = dedup_.units[i];
      const auto dtype = plan_.units[u].dtype;
      const bool may_lose = dtype == DType::F16 || dtype == DType::F32 || dtype == DType::F64;
      news.push_back({u, dedup_.places[i], std::move(digests[u - first_unit]), may_lose ? result.allowed : kExact});
      keys.push_back(i);
    }
    auto found = base_search_.choose(plan_, planned_, std::move(news), raw_[current_], assigned_);
    for (std::size_t k = 0; k < keys.size(); ++k) dedup_.family[keys[k]] = std::move(found[k]);
  }

  void deduplicate() {
    if (options_.deduplicate) {
      dedup_.results = dedup::deduplicate(comm_, table_, dedup_.keys, dedup_.allowed);
      return;
    }
    for (const auto allowed : dedup_.allowed) dedup_.results.push_back({dedup::Dedup::First, allowed, {}});
  }

  void fail_file(std::size_t file, const std::string& reason) {
    if (failed_[file]) return;
    failed_[file] = true;
    report_.failures.push_back({plan_.files[file].entry.path, reason});
  }

  Result<void> wait_for_encoding() {
    const Timed timed(report_.phases.encode);
    return encoding_.wait(progress_);
  }

  /// Makes the encoded wave ready to be written: rows, places, and the table of layers.
  void settle(std::uint64_t wave) {
    const Timed timed(report_.phases.exchange);
    finished_.emplace();
    finished_->header = {next_shard_, sweep_, wave, description_};
    finished_->raw_bytes = assigned_.raw_bytes;
    auto& part = finished_->part;
    const auto outcomes = collect_outcomes(comm_, plan_, planned_, tasks_, assigned_);
    std::vector<dedup::StoredLayer> stored;
    add_layer_rows(plan_, dedup_, outcomes, units_of(plan_, wave).first, loss_, hash_, part, stored, report_);
    if (options_.deduplicate) dedup::settle(comm_, table_, dedup_.keys, dedup_.results, stored);
    for (std::size_t i = 0; i < dedup_.units.size(); ++i) {
      units_[dedup_.units[i]].stored = stored[i];
      const bool is_new = dedup_.results[i].kind == dedup::Dedup::First;
      if (is_new && options_.encode.use_delta) base_search_.set_loss(dedup_.units[i], stored[i].loss);
    }
    add_chunk_rows(assigned_, part);
    n_settled_ = wave + 1;
    add_file_rows(comm_, plan_, wave, units_, failed_, hash_, part, report_);
    if (comm_.any(!part.layers.empty() || !part.files.empty())) ++next_shard_;
  }

  void write_finished() {
    if (!finished_) return;
    const Timed timed(report_.phases.write);
    const auto bytes = writer_.write(finished_->header, std::move(finished_->part));
    if (bytes > 0) ++report_.shards;
    report_.bytes_added += bytes;
    progress_.bytes_committed += finished_->raw_bytes;
    progress_.tick();
    finished_.reset();
  }

  const mpi::Comm& comm_;
  const SweepOptions& options_;
  dedup::LayerTable& table_;
  BaseSearch& base_search_;
  plan::Plan plan_;
  StopRequest& stop_;
  ProgressLine& progress_;
  Report& report_;
  KeyedHash hash_;
  LossId loss_;
  archive::ShardWriter writer_;
  BaseReader base_reader_;
  EncodeStage encoder_;
  std::uint32_t first_shard_;
  std::uint32_t next_shard_;
  std::uint64_t n_settled_ = 0;  ///< waves
  std::uint64_t sweep_;
  std::string description_;
  std::vector<bool> failed_;
  std::vector<UnitState> units_;

  Buffer raw_[2];                 // of the wave being read and the one being encoded
  std::vector<Arena> arenas_[2];  // of the wave being encoded and the one being written
  PlannedWave planned_, next_planned_;
  AssignedWave assigned_, next_assigned_;
  std::size_t current_ = 0;
  WaveDedup dedup_;
  std::vector<Task> tasks_;  ///< by unit of the current wave
  std::optional<Finished> finished_;
  ReadStats reading_stats_;
  Background reading_;  // last: their threads end before what they use
  Background encoding_;
};

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
  std::optional<archive::Directory> directory;  ///< none in a dry run without archive
  std::optional<archive::Lock> lock;            ///< none in a dry run
};

/// Opens an archive, or creates it, and locks it.
void hold_archive(const mpi::Comm& comm, const SweepOptions& options, std::uint64_t part_bytes, OpenArchive& open) {
  archive::prepare_directory(comm, options.archive);
  open.lock.emplace(comm, options.archive, options.break_lock);
  open.directory = archive::open_or_create_directory(comm, options.archive, part_bytes);
  archive::remove_leftovers(comm, *open.directory);
}

/// Opens and locks an archive that exists; creates none.
void open_archive(const mpi::Comm& comm, const SweepOptions& options, OpenArchive& open) {
  if (!comm.any(comm.is_root() && std::filesystem::exists(options.archive + "/archive.json"))) return;
  if (options.dry_run)
    open.directory = archive::open_directory(comm, options.archive);
  else
    hold_archive(comm, options, 0, open);
}

std::uint64_t new_bytes(const mpi::Comm& comm, const std::vector<plan::PlannedFile>& files) {
  std::uint64_t bytes = 0;
  for (const auto& file : files) {
    if (has_content(file.entry.kind)) bytes += file.entry.size_bytes;
  }
  return comm.sum(bytes);
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
  StopRequest stop(options.max_duration_seconds);
  Report report;
  report.ranks = comm.size();
  report.threads = static_cast<int>(comm.max(static_cast<std::uint64_t>(choose_threads(comm, options.threads))));
  const auto new_part_bytes = choose_part_bytes(options, comm.size(), report.threads);
  report.lossless = loss_of(options.encode).is_exact();
  report.dry_run = options.dry_run;
  report.level = options.encode.level;

  // Nothing is created before it is certain that there is something to archive.
  comm.agree(comm.is_root() ? check_corpus(options) : Result<void>{}, "corpus");
  const std::uint64_t archived_before = comm.is_root() ? archive::bytes_on_disk(options.archive) : 0;
  OpenArchive open;
  open_archive(comm, options, open);
  auto walked = [&] {
    const Timed timed(report.phases.scan);
    return walk_corpus(comm, options, report);
  }();
  if (!open.directory && !options.dry_run) hold_archive(comm, options, new_part_bytes, open);
  const auto& directory = open.directory;
  if (directory && !directory->missing().empty())
    throw AgreedFailure(options.archive + ": " + archive::shard_name(directory->missing().front()) +
                        " is missing: bring it back before more is added to this archive");
  const auto part_bytes = directory ? directory->identity.part_bytes : new_part_bytes;
  (void)choose_wave_bytes(options, comm.size(), report.threads, part_bytes, 0);  // before the work of scanning

  const auto secret = directory ? directory->identity.hash_secret : std::vector<std::byte>(KeyedHash::kSecretBytes);
  archive::Catalog catalog;
  archive::FileHistory history{KeyedHash(secret)};
  dedup::LayerTable table;
  Scanned scanned;
  BaseSearch families(comm, [&](const Hash128& model) { return scanned.lineage.bases_of(model); });
  {
    const Timed timed(report.phases.scan);
    const auto take_layers = [&](const std::vector<archive::KnownLayer>& layers) { add_stored(comm, layers, table); };
    const auto take_bases = [&](const std::vector<archive::KnownBase>& bases) { families.add_known(bases); };
    if (directory)
      catalog = archive::load_catalog(comm, *directory, history, take_layers,
                                      options.encode.use_delta ? archive::TakeBases(take_bases) : nullptr);
    report.shards = directory ? directory->shards.size() : 0;
    scanned = scan(comm, options, std::move(walked), catalog, KeyedHash(secret), report);
  }
  const auto wave_bytes =
      choose_wave_bytes(options, comm.size(), report.threads, part_bytes, new_bytes(comm, scanned.files));
  auto plan = plan::make_plan(comm, std::move(scanned.files), {wave_bytes, part_bytes});
  if (options.dry_run) {
    for (const auto& file : plan.files) {
      report.archived_files += file.entry.kind != FileKind::Directory ? 1 : 0;
      report.archived_bytes += file.entry.kind == FileKind::Regular ? file.entry.size_bytes : 0;
    }
  } else {
    ProgressLine progress(comm, options.progress);
    progress.set_total(plan.total_bytes);
    Waves waves(comm, options, *directory, catalog, table, families, std::move(plan), wave_bytes, stop, progress,
                report);
    waves.run();
    waves.add_committed(history);
    progress.close();
  }
  finish_report(comm, options, catalog, history, scanned.lineage, archived_before, start, report);
  return report;
}

}  // namespace elves::pipeline
