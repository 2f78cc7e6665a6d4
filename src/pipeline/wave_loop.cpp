#include "pipeline/wave_loop.hpp"

#include <optional>

#include "archive/shard_writer.hpp"
#include "dedup/exchange.hpp"
#include "pipeline/background.hpp"
#include "pipeline/base_reader.hpp"
#include "pipeline/encode_stage.hpp"
#include "pipeline/read_stage.hpp"
#include "pipeline/shard_rows.hpp"
#include "pipeline/timed.hpp"
#include "pipeline/wave_exchange.hpp"

namespace elves::pipeline {
namespace {

/// A wave that is encoded, with all its rows: it waits to be written.
struct EncodedWave {
  archive::ShardHeader header;
  archive::ShardPart part;
  std::uint64_t raw_bytes = 0;
};

bool is_first(const dedup::DedupResult& result) {
  return result.kind == dedup::Dedup::First;
}

/// The members are grouped by stage; run() has the order of the stages.
class WaveLoop {
 public:
  WaveLoop(const SweepContext& context, plan::Plan plan)
      : context_(context),
        comm_(context.comm),
        options_(context.options),
        plan_(std::move(plan)),
        progress_(context.progress),
        report_(context.report),
        hash_(context.directory.identity.hash_secret),
        writer_(comm_, context.directory, options_.verify),
        base_reader_(context.directory, options_.corpus, hash_, context.resolved.threads),
        encoder_(context.resolved.threads, options_.encode, hash_, options_.verify),
        next_shard_(context.catalog.next_shard),
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
      write_encoded_wave();
      comm_.agree(wait_for_encoding(), "encode");
      add_rows();
      report_.stopped = comm_.any(context_.stop.is_set()) && wave + 1 < plan_.n_waves;
    }
    reading_stats_.cancel = report_.stopped;
    write_encoded_wave();
    comm_.agree(reading_.wait(progress_), "read");  // of a wave that is dropped if the sweep stops early
    report_.phases.read += reading_stats_.read_seconds;
    report_.phases.fingerprint += reading_stats_.hash_seconds;
    report_.encoding = encoder_.sums();
    add_committed_files();
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

  /// Waits for the wave that is being read, makes it the current one, and prepares its encoding.
  void take_read_wave() {
    comm_.agree(reading_.wait(progress_), "read");
    assigned_ = std::move(next_assigned_);
    planned_ = std::move(next_planned_);
    current_ = planned_.wave % 2;
    const Timed timed(report_.phases.exchange);
    auto read = collect_read_results(comm_, plan_, planned_, assigned_);
    for (const auto& [file, reason] : read.failed) fail_file(file, reason);
    dedup_ = {};
    add_keys(read.digests);
    deduplicate();
    send_tasks(comm_, plan_, planned_, tasks(), assigned_);
    number_first_layers();
    if (options_.encode.use_delta) choose_bases(std::move(read.digests));
    base_reader_.prepare(assigned_, raw_[current_]);
  }

  void fail_file(std::size_t file, const std::string& reason) {
    if (failed_[file]) return;
    failed_[file] = true;
    report_.failures.push_back({plan_.files[file].entry.path, reason});
  }

  /// The keys of the units of this wave. `digests`: of chunks, by unit of the wave.
  void add_keys(const std::vector<std::vector<Hash128>>& digests) {
    const auto units = units_of(plan_, planned_.wave);
    for (auto u = units.first; u < units.last; ++u) {
      const auto& unit = plan_.units[u];
      if (failed_[unit.file]) continue;
      const auto& extent = plan_.files[unit.file].parsed.extents[unit.extent];
      units_[u].fingerprint = hash_.combine(digests[u - units.first]);
      dedup_.units.push_back(u);
      dedup_.keys.push_back({units_[u].fingerprint, unit.size_bytes, extent.dtype});
      dedup_.allowed.push_back(extent.lossless ? kExact : context_.resolved.loss);
    }
  }

  void deduplicate() {
    if (options_.deduplicate) {
      dedup_.results = dedup::deduplicate(comm_, context_.table, dedup_.keys, dedup_.allowed);
      return;
    }
    for (const auto allowed : dedup_.allowed) dedup_.results.push_back({dedup::Dedup::First, allowed, {}});
  }

  /// By unit of the wave.
  std::vector<Task> tasks() const {
    const auto units = units_of(plan_, planned_.wave);
    std::vector<Task> tasks(units.last - units.first);
    for (std::size_t i = 0; i < dedup_.units.size(); ++i) {
      const auto& result = dedup_.results[i];
      if (is_first(result)) tasks[dedup_.units[i] - units.first] = {.encode = true, .allowed = result.allowed};
    }
    return tasks;
  }

  /// The layers that will be stored get their rows in corpus order.
  void number_first_layers() {
    std::uint64_t n_first = 0;
    for (const auto& result : dedup_.results) n_first += is_first(result) ? 1 : 0;
    auto row = comm_.exscan(n_first);
    for (const auto& result : dedup_.results)
      dedup_.places.push_back(is_first(result) ? LayerRef{next_shard_, row++} : result.stored.place);
    dedup_.bases.resize(dedup_.units.size());
  }

  /// `digests`: of chunks, by unit of the wave.
  void choose_bases(std::vector<std::vector<Hash128>> digests) {
    const auto first_unit = units_of(plan_, planned_.wave).first;
    std::vector<NewLayer> layers;
    std::vector<std::size_t> keys;
    for (std::size_t i = 0; i < dedup_.units.size(); ++i) {
      const auto& result = dedup_.results[i];
      if (!is_first(result)) continue;
      const auto u = dedup_.units[i];
      const auto dtype = plan_.units[u].dtype;
      const bool elf_may_take_it = dtype == DType::F16 || dtype == DType::F32 || dtype == DType::F64;
      layers.push_back(
          {u, dedup_.places[i], std::move(digests[u - first_unit]), elf_may_take_it ? result.allowed : kExact});
      keys.push_back(i);
    }
    auto found = context_.base_search.choose(plan_, planned_, std::move(layers), raw_[current_], assigned_);
    for (std::size_t k = 0; k < keys.size(); ++k) dedup_.bases[keys[k]] = std::move(found[k]);
  }

  Result<void> wait_for_encoding() {
    const Timed timed(report_.phases.encode);
    return encoding_.wait(progress_);
  }

  /// Makes the rows of the encoded wave, and enters its layers into the table.
  void add_rows() {
    const Timed timed(report_.phases.exchange);
    encoded_.emplace();
    encoded_->header = {next_shard_, context_.catalog.next_sweep, planned_.wave, context_.resolved.text};
    encoded_->raw_bytes = assigned_.raw_bytes;
    auto& part = encoded_->part;
    const auto outcomes = collect_outcomes(comm_, plan_, planned_, tasks(), assigned_);
    std::vector<dedup::StoredLayer> stored;
    add_layer_rows(plan_, dedup_, outcomes, units_of(plan_, planned_.wave).first, context_.resolved.loss, hash_, part,
                   stored, report_);
    if (options_.deduplicate) dedup::settle(comm_, context_.table, dedup_.keys, dedup_.results, stored);
    for (std::size_t i = 0; i < dedup_.units.size(); ++i) {
      units_[dedup_.units[i]].stored = stored[i];
      if (is_first(dedup_.results[i]) && options_.encode.use_delta)
        context_.base_search.set_loss(dedup_.units[i], stored[i].loss);
    }
    add_chunk_rows(assigned_, part);
    n_encoded_ = planned_.wave + 1;
    add_file_rows(comm_, plan_, planned_.wave, units_, failed_, hash_, part, report_);
    if (comm_.any(!part.layers.empty() || !part.files.empty())) ++next_shard_;
  }

  void write_encoded_wave() {
    if (!encoded_) return;
    const Timed timed(report_.phases.write);
    const auto bytes = writer_.write(encoded_->header, std::move(encoded_->part));
    if (bytes > 0) ++report_.shards;
    report_.bytes_added += bytes;
    progress_.bytes_committed += encoded_->raw_bytes;
    progress_.tick();
    encoded_.reset();
  }

  void add_committed_files() {
    const auto order = archive::order_of(context_.catalog.next_shard, 0);
    for (std::size_t f = 0; f < plan_.files.size(); ++f) {
      const auto& file = plan_.files[f];
      if (failed_[f] || file.wave >= n_encoded_) continue;
      context_.history.add(file.entry.path, file.entry.kind, order, file.entry.size_bytes);
    }
  }

  const SweepContext& context_;
  const mpi::Comm& comm_;
  const SweepOptions& options_;
  plan::Plan plan_;
  ProgressLine& progress_;
  Report& report_;
  KeyedHash hash_;
  archive::ShardWriter writer_;
  BaseReader base_reader_;
  EncodeStage encoder_;
  std::uint32_t next_shard_;
  std::uint64_t n_encoded_ = 0;   ///< waves
  std::vector<bool> failed_;      ///< by file of the plan
  std::vector<UnitState> units_;  ///< by unit of the plan

  Buffer raw_[2];                 // of the wave being read and the one being encoded
  std::vector<Arena> arenas_[2];  // of the wave being encoded and the one being written
  PlannedWave planned_, next_planned_;
  AssignedWave assigned_, next_assigned_;
  std::size_t current_ = 0;  ///< of raw_ and arenas_: the wave being encoded
  WaveDedup dedup_;
  std::optional<EncodedWave> encoded_;
  ReadStats reading_stats_;
  Background reading_;  // last: their threads end before the members that they use
  Background encoding_;
};

}  // namespace

void archive_waves(const SweepContext& context, plan::Plan plan) {
  WaveLoop(context, std::move(plan)).run();
}

}  // namespace elves::pipeline
