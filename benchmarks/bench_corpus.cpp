// Sizes of the layers of the real corpus by dtype, before deduplication and deltas: by each transform alone, by the
// selector's choice at each level, by the exhaustive choice, as the order-0 entropy of the streams, and by models of
// peers. Prints ratios, and the CPU time of the selector. One thread.
//
// Usage: bench_corpus [--quick] [CSV]. Writes the sizes to CSV (default benchmarks/ratio.csv): the same build gives
// the same file. --quick leaves out zstd -19 and level max, and writes nothing. The corpus: $ELVES_CORPUS, default
// ../shared/corpus.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>

#include "encode/registry.hpp"
#include "measure/forced_encoder.hpp"
#include "measure/order0.hpp"
#include "measure/paper_elf.hpp"
#include "measure/peers.hpp"
#include "measure/real_corpus.hpp"
#include "measure/timing.hpp"

namespace {

using namespace elves;
using Bytes = std::vector<std::byte>;

constexpr double kWithin = 1.005;  // of the order-0 entropy
constexpr int kRepetitions = 3;    // of what is timed
constexpr std::size_t kSmallBytes = 64u << 10;

/// Sums by dtype.
class Sums {
 public:
  void add(DType dtype, double value) {
    values_[at(dtype)] += value;
    counts_[at(dtype)] += 1;
  }
  double of(DType dtype) const { return values_[at(dtype)]; }
  bool has(DType dtype) const { return counts_[at(dtype)] > 0; }

 private:
  static std::size_t at(DType dtype) { return static_cast<std::size_t>(dtype); }
  std::array<double, kDTypeCount> values_{};
  std::array<std::size_t, kDTypeCount> counts_{};
};

/// A way to store chunks, and its sizes.
struct Way {
  std::string group;
  std::string name;
  Sums bytes;
};

/// Sizes of coded streams, and the order-0 entropies of these streams.
struct Nearness {
  std::string name;
  Sums coded_bytes;
  Sums order0_bytes;
  Sums raw_bytes;
  Sums raw_bytes_within;  ///< of chunks that took at most kWithin of the entropy

  void add(DType dtype, std::size_t raw, std::size_t coded, double order0) {
    coded_bytes.add(dtype, static_cast<double>(coded));
    order0_bytes.add(dtype, order0);
    raw_bytes.add(dtype, static_cast<double>(raw));
    const bool within = static_cast<double>(coded) <= kWithin * order0;
    raw_bytes_within.add(dtype, within ? static_cast<double>(raw) : 0);
  }
};

/// CPU seconds of encoding: with the selector, and by the chosen transform alone.
struct Timing {
  std::string name;
  double raw_bytes = 0;
  double selected_seconds = 0;
  double forced_seconds = 0;
};

/// Finds the row with this name, or appends it.
template <class Row>
Row& row_of(std::vector<Row>& rows, const std::string& name, const std::string& group = {}) {
  for (Row& row : rows) {
    if constexpr (requires { row.group; }) {
      if (row.group != group) continue;
    }
    if (row.name == name) return row;
  }
  Row row;
  row.name = name;
  if constexpr (requires { row.group; }) row.group = group;
  rows.push_back(std::move(row));
  return rows.back();
}

/// Classes of chunks by size; each has its own rows.
struct SizeClass {
  const char* name;
  std::size_t least_bytes;
  std::size_t most_bytes;

  bool has(const Bytes& raw) const { return raw.size() >= least_bytes && raw.size() <= most_bytes; }
};
constexpr std::array kSizeClasses{SizeClass{"all", 0, kChunkBytes}, SizeClass{"below 64 KiB", 0, kSmallBytes - 1},
                                  SizeClass{"64 KiB and more", kSmallBytes, kChunkBytes}};

class Figures {
 public:
  explicit Figures(bool quick) : quick_(quick) {}

  void add(const measure::LayerChunk& chunk, const Bytes& raw);
  void print() const;
  void write_csv(const std::string& path) const;

 private:
  void add_transforms(DType dtype, const Bytes& raw);
  void add_choices(const std::string& group, DType dtype, const Bytes& raw, EncodeOptions options);
  void add_choice(const std::string& group, DType dtype, const Bytes& raw, const EncodeOptions& options);
  void add_peers(DType dtype, const Bytes& raw);

  void add_bytes(const std::string& group, const std::string& name, DType dtype, double bytes) {
    row_of(ways_, name, group).bytes.add(dtype, bytes);
  }

  void add_nearness(const std::string& name, DType dtype, const Bytes& raw, std::size_t coded, double order0) {
    if (!is_float(dtype)) return;
    for (const auto& chunks : kSizeClasses) {
      auto& row = row_of(nearness_, name + ", " + chunks.name);
      if (chunks.has(raw)) row.add(dtype, raw.size(), coded, order0);
    }
  }

  /// The dtypes of the corpus, ordered by their bytes, the largest first.
  std::vector<DType> dtypes() const;
  /// The sum over all dtypes. A dtype that a way does not accept counts with its raw size.
  double total(const Way& way) const;
  const Way& find(const std::string& group, const std::string& name) const;

  void print_ratios() const;
  void print_nearness() const;
  void print_timings() const;
  void print_targets() const;

  bool quick_;
  std::size_t n_chunks_ = 0;
  std::size_t n_layers_ = 0;
  std::vector<Way> ways_;
  std::vector<Nearness> nearness_;
  std::vector<Timing> timings_;

  Encoder encoder_;
  measure::ForcedEncoder forced_;
  measure::ExhaustiveEncoder exhaustive_;
  measure::PaperElfPeer paper_elf_;
  measure::ZipNnPeer zipnn_;
  measure::ZstdPeer zstd_1_{1};
  measure::ZstdPeer zstd_3_{3};
  measure::ZstdPeer zstd_19_{19};
  Bytes out_;
};

void Figures::add(const measure::LayerChunk& chunk, const Bytes& raw) {
  ++n_chunks_;
  n_layers_ += chunk.begins_layer ? 1 : 0;
  add_bytes("raw", "raw", chunk.dtype, static_cast<double>(raw.size()));
  add_transforms(chunk.dtype, raw);
  add_choices("lossless", chunk.dtype, raw, {.lossless = true});
  add_choices("lossy", chunk.dtype, raw, {.lossless = chunk.lossless});
  add_peers(chunk.dtype, raw);
}

// Each transform alone, at the default level and without guard.
void Figures::add_transforms(DType dtype, const Bytes& raw) {
  for (const auto& transform : encode::transforms()) {
    const EncodeOptions options{.min_snr_db = 0};
    if (transform.base_use != encode::BaseUse::None || !transform.accepts(dtype, options)) continue;
    const std::string name(transform.name);
    const auto bytes = forced_.encode(transform, raw, dtype, options);
    const auto order0 = measure::order0_bytes(forced_.split());
    add_bytes("transform", name, dtype, static_cast<double>(bytes));
    add_bytes("order-0", name, dtype, order0);
    add_nearness(name, dtype, raw, bytes, order0);
  }
}

void Figures::add_choices(const std::string& group, DType dtype, const Bytes& raw, EncodeOptions options) {
  for (const Level level : {Level::Fast, Level::Default, Level::Max}) {
    if (level == Level::Max && quick_) continue;
    options.level = level;
    add_choice(group, dtype, raw, options);
  }
  options.level = Level::Default;
  const auto bytes = exhaustive_.encode(raw, dtype, options);
  add_bytes(group, "exhaustive", dtype, static_cast<double>(bytes));
}

void Figures::add_choice(const std::string& group, DType dtype, const Bytes& raw, const EncodeOptions& options) {
  const std::string level(name(options.level));
  const int repetitions = options.level == Level::Max ? 1 : kRepetitions;
  double selected_seconds = std::numeric_limits<double>::infinity();
  double forced_seconds = std::numeric_limits<double>::infinity();
  ChunkStats stats;
  std::size_t forced_bytes = 0;
  for (int i = 0; i < repetitions; ++i) {
    out_.clear();
    const auto selected = measure::cpu_seconds_of([&] { stats = encoder_.encode(raw, dtype, options, out_); });
    const auto& chosen = *encode::find_transform(static_cast<std::uint8_t>(stats.transform));
    const auto forced = measure::cpu_seconds_of([&] { forced_bytes = forced_.encode(chosen, raw, dtype, options); });
    selected_seconds = std::min(selected_seconds, selected);
    forced_seconds = std::min(forced_seconds, forced);
  }
  if (forced_bytes != stats.encoded_bytes) {
    throw Failure("a chunk took " + std::to_string(stats.encoded_bytes) + " bytes, and by its transform alone " +
                  std::to_string(forced_bytes));
  }
  add_bytes(group, level, dtype, static_cast<double>(stats.encoded_bytes));
  for (const auto& chunks : kSizeClasses) {
    auto& timing = row_of(timings_, group + ", " + level + ", " + chunks.name);
    if (!chunks.has(raw)) continue;
    timing.raw_bytes += static_cast<double>(raw.size());
    timing.selected_seconds += selected_seconds;
    timing.forced_seconds += forced_seconds;
  }
  if (options.level != Level::Default) return;
  const auto order0 = measure::order0_bytes(forced_.split());
  add_bytes("order-0", "chosen " + group, dtype, order0);
  add_nearness("chosen " + group, dtype, raw, stats.encoded_bytes, order0);
}

void Figures::add_peers(DType dtype, const Bytes& raw) {
  const auto add = [&](const std::string& name, auto encode) {
    out_.clear();
    encode();
    add_bytes("peer", name, dtype, static_cast<double>(out_.size()));
  };
  if (measure::PaperElfPeer::accepts(dtype)) add("paper's elf", [&] { paper_elf_.encode(raw, dtype, out_); });
  add("zipnn", [&] { zipnn_.encode(raw, dtype, out_); });
  add("zstd -1", [&] { zstd_1_.encode(raw, out_); });
  add("zstd -3", [&] { zstd_3_.encode(raw, out_); });
  if (!quick_) add("zstd -19", [&] { zstd_19_.encode(raw, out_); });
}

std::vector<DType> Figures::dtypes() const {
  std::vector<DType> dtypes;
  const auto& raw = ways_.front().bytes;
  for (std::uint8_t number = 0; number < kDTypeCount; ++number) {
    if (raw.has(static_cast<DType>(number))) dtypes.push_back(static_cast<DType>(number));
  }
  std::ranges::stable_sort(dtypes, std::ranges::greater{}, [&](DType dtype) { return raw.of(dtype); });
  return dtypes;
}

double Figures::total(const Way& way) const {
  double sum = 0;
  for (const DType dtype : dtypes()) sum += (way.bytes.has(dtype) ? way : ways_.front()).bytes.of(dtype);
  return sum;
}

const Way& Figures::find(const std::string& group, const std::string& name) const {
  for (const Way& way : ways_) {
    if (way.group == group && way.name == name) return way;
  }
  throw Failure("no figures for " + group + " " + name);
}

void Figures::print() const {
  std::printf("%zu layers in %zu chunks, %.1f MB\n", n_layers_, n_chunks_, total(ways_.front()) / 1e6);
  print_ratios();
  print_nearness();
  print_timings();
  print_targets();
}

void Figures::print_ratios() const {
  const auto& raw = ways_.front();
  std::printf("\nraw bytes over stored bytes; a dtype that a transform does not take counts as raw in the total\n");
  std::printf("%-10s %-16s %9s", "", "", "total");
  for (const DType dtype : dtypes()) std::printf(" %9s", name(dtype).data());
  std::printf("\n%-10s %-16s %9.3f", "raw", "MB", total(raw) / 1e6);
  for (const DType dtype : dtypes()) std::printf(" %9.3f", raw.bytes.of(dtype) / 1e6);
  std::printf("\n");
  for (const Way& way : std::span(ways_).subspan(1)) {
    std::printf("%-10s %-16s %9.4f", way.group.c_str(), way.name.c_str(), total(raw) / total(way));
    for (const DType dtype : dtypes()) {
      if (way.bytes.has(dtype)) {
        std::printf(" %9.4f", raw.bytes.of(dtype) / way.bytes.of(dtype));
      } else {
        std::printf(" %9s", "-");
      }
    }
    std::printf("\n");
  }
}

void Figures::print_nearness() const {
  std::printf(
      "\nstored over the order-0 entropy of the streams, in %% more; and %% of the bytes in chunks within %.1f %%\n",
      100 * (kWithin - 1));
  auto floats = dtypes();
  std::erase_if(floats, [](DType dtype) { return !is_float(dtype); });
  std::printf("%-33s", "");
  for (const DType dtype : floats) std::printf(" %14s", name(dtype).data());
  std::printf("\n");
  for (const auto& row : nearness_) {
    std::printf("%-33s", row.name.c_str());
    for (const DType dtype : floats) {
      if (row.coded_bytes.has(dtype)) {
        std::printf(" %7.2f %6.1f", 100 * (row.coded_bytes.of(dtype) / row.order0_bytes.of(dtype) - 1),
                    100 * row.raw_bytes_within.of(dtype) / row.raw_bytes.of(dtype));
      } else {
        std::printf(" %14s", "-");
      }
    }
    std::printf("\n");
  }
}

void Figures::print_timings() const {
  std::printf("\n%-33s %10s %10s %20s %18s\n", "CPU time", "seconds", "MB/s", "transform forced, s",
              "selector's share");
  for (const auto& row : timings_) {
    std::printf("%-33s %10.2f %10.1f %20.2f %17.1f%%\n", row.name.c_str(), row.selected_seconds,
                row.raw_bytes / 1e6 / row.selected_seconds, row.forced_seconds,
                100 * (1 - row.forced_seconds / row.selected_seconds));
  }
}

void Figures::print_targets() const {
  const auto f32 = [&](const char* group, const char* name) { return find(group, name).bytes.of(DType::F32); };
  std::printf("\nfloat32: lossless over ZipNN's scheme %.4f (goal 1.03)\n",
              f32("peer", "zipnn") / f32("lossless", "default"));
  std::printf("float32: elf over the paper's packed form with zstd -3 %.4f (goal 1.09)\n",
              f32("peer", "paper's elf") / f32("transform", "elf"));
  for (const char* group : {"lossless", "lossy"}) {
    const auto exhaustive = total(find(group, "exhaustive"));
    std::printf("%s: the selector's choice over the exhaustive %.4f (goal 1.01 at most)\n", group,
                total(find(group, "default")) / exhaustive);
    if (!quick_) {
      std::printf("%s: level max leaves %.4f of level default\n", group,
                  total(find(group, "max")) / total(find(group, "default")));
    }
  }
}

void Figures::write_csv(const std::string& path) const {
  std::ofstream csv(path);
  csv << "group,way,total";
  for (const DType dtype : dtypes()) csv << ',' << name(dtype);
  csv << '\n';
  for (const Way& way : ways_) {
    csv << way.group << ',' << way.name << ',' << static_cast<std::uint64_t>(total(way));
    for (const DType dtype : dtypes()) {
      csv << ',';
      if (way.bytes.has(dtype)) csv << static_cast<std::uint64_t>(way.bytes.of(dtype));
    }
    csv << '\n';
  }
  csv.close();
  if (!csv) throw Failure("cannot write " + path);
}

}  // namespace

int main(int argc, char** argv) try {
  const bool quick = argc > 1 && std::string_view(argv[1]) == "--quick";
  const auto hub = measure::find_real_hub();
  if (!hub) throw Failure("no real corpus: set ELVES_CORPUS to a folder with a hub in it");
  Figures figures(quick);
  std::size_t n_done = 0;
  const auto chunks = measure::list_chunks(*hub);
  for (const auto& chunk : chunks) {
    figures.add(chunk, measure::read_chunk(*hub, chunk));
    if (++n_done % 2000 == 0) std::fprintf(stderr, "%zu of %zu chunks\n", n_done, chunks.size());
  }
  figures.print();
  if (!quick) figures.write_csv(argc > 1 ? argv[1] : "benchmarks/ratio.csv");
} catch (const std::exception& error) {
  std::fprintf(stderr, "bench_corpus: %s\n", error.what());
  return 1;
}
