#include <algorithm>
#include <cstdlib>
#include <functional>

#include <fmt/format.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "elves/version.hpp"
#include "encode/registry.hpp"
#include "formats/format.hpp"
#include "pipeline/report.hpp"
#include "support/text.hpp"

namespace elves::pipeline {
namespace {

using nlohmann::json;

double quotient(std::uint64_t a, std::uint64_t b) {
  return b == 0 ? 1.0 : static_cast<double>(a) / static_cast<double>(b);
}

/// One model that others rest on, as a model's entry shows it.
struct NamedBase {
  std::string id;
  BaseSums sums;

  std::int64_t saved_bytes() const {
    return static_cast<std::int64_t>(sums.alone_bytes) - static_cast<std::int64_t>(sums.stored_bytes);
  }
  std::string_view found_by() const {
    if (sums.layers_by_lineage == 0) return "content";
    return sums.layers_by_lineage == sums.layers ? "lineage" : "content and lineage";
  }
};

/// The bases of a model, most bytes first.
std::vector<NamedBase> bases_of(const Report& report, const ModelSums& model) {
  std::vector<NamedBase> bases;
  for (const auto& [hash, sums] : model.bases) {
    const auto at = report.base_models.find(hash);
    bases.push_back({at == report.base_models.end() ? "" : at->second, sums});
  }
  std::ranges::stable_sort(bases, std::greater{}, [](const NamedBase& base) { return base.sums.bytes; });
  return bases;
}

json list_bases(const std::vector<NamedBase>& bases) {
  json list = json::array();
  for (const auto& base : bases) {
    list.push_back({{"id", printable(base.id)},
                    {"layers", base.sums.layers},
                    {"bytes", base.sums.bytes},
                    {"stored_bytes", base.sums.stored_bytes},
                    {"saved_bytes", base.saved_bytes()},
                    {"found_by", base.found_by()}});
  }
  return list;
}

std::int64_t difference(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::int64_t>(a) - static_cast<std::int64_t>(b);
}

/// Bytes that each stage saved. Their sum is the raw bytes of everything archived minus its encoded bytes.
std::array<std::int64_t, kStageCount> saved_by_stage(const Report& report) {
  std::array<std::int64_t, kStageCount> saved{};
  const auto add = [&](Stage stage, std::int64_t bytes) { saved[static_cast<std::size_t>(stage)] += bytes; };
  add(Stage::Hd, static_cast<std::int64_t>(report.duplicate_bytes));
  for (const auto& transform : encode::transforms()) {
    const auto& sums = report.transforms[static_cast<std::size_t>(transform.id)];
    if (transform.base_use != encode::BaseUse::None) {
      add(*transform.stage, difference(sums.alone_bytes, sums.encoded_bytes));
      add(transform.standalone_stage, difference(sums.raw_bytes, sums.alone_bytes));
    } else if (transform.stage == Stage::Planes) {  // separating bytes alone saves nothing
      add(Stage::Planes, difference(sums.raw_bytes, sums.encoded_bytes));
    } else {
      if (transform.stage) add(*transform.stage, difference(sums.raw_bytes, sums.transformed_bytes));
      add(Stage::Zstd, difference(transform.stage ? sums.transformed_bytes : sums.raw_bytes, sums.encoded_bytes));
    }
  }
  return saved;
}

json stages(const Report& report) {
  json tree = json::object();
  const auto saved = saved_by_stage(report);
  for (std::size_t i = 0; i < kStageCount; ++i) tree[std::string(name(static_cast<Stage>(i)))] = saved[i];
  return tree;
}

json list_transforms(const Report& report) {
  json list = json::array();
  for (std::size_t i = 0; i < kTransforms; ++i) {
    const auto& sums = report.transforms[i];
    if (sums.raw_bytes == 0 && sums.layers == 0) continue;
    list.push_back({{"name", name(static_cast<TransformId>(i))},
                    {"layers", sums.layers},
                    {"raw_bytes", sums.raw_bytes},
                    {"encoded_bytes", sums.encoded_bytes}});
  }
  return list;
}

const ContainerSums& sums_of(const Report& report, formats::ContainerId id) {
  return report.containers[static_cast<std::size_t>(id)];
}

json list_containers(const Report& report) {
  json list = json::array();
  for (std::size_t i = 0; i < report.containers.size(); ++i) {
    const auto& sums = report.containers[i];
    if (sums.files == 0) continue;
    list.push_back({{"name", formats::name(static_cast<formats::ContainerId>(i))},
                    {"files", sums.files},
                    {"bytes", sums.bytes},
                    {"layers", sums.layers},
                    {"layer_bytes", sums.layer_bytes}});
  }
  return list;
}

/// "24 torch-zip, 17 safetensors", most bytes first.
std::string name_containers(const Report& report) {
  std::vector<std::size_t> ids;
  for (std::size_t i = 1; i < report.containers.size(); ++i) {
    if (report.containers[i].files > 0) ids.push_back(i);
  }
  std::ranges::stable_sort(ids, std::greater{}, [&](std::size_t i) { return report.containers[i].bytes; });
  std::string text;
  for (const auto i : ids) {
    text += (text.empty() ? "" : ", ") + std::to_string(report.containers[i].files) + " " +
            std::string(formats::name(static_cast<formats::ContainerId>(i)));
  }
  return text.empty() ? "none with layers" : text;
}

/// Models that have files: folders and loose files above them count for none.
std::size_t count_models(const Report& report) {
  return static_cast<std::size_t>(std::count_if(report.models.begin(), report.models.end(), [](const auto& model) {
    return !model.first.empty() && model.second.files > 0;
  }));
}

/// Models that rest on others, with their sums.
struct FamilyTotals {
  std::vector<std::pair<std::string, NamedBase>> pairs;  ///< model and base, most saved first
  std::size_t models = 0;
  BaseSums sums;
};

FamilyTotals families_of(const Report& report) {
  FamilyTotals families;
  for (const auto& [id, model] : report.models) {
    families.models += model.bases.empty() ? 0 : 1;
    for (auto& base : bases_of(report, model)) {
      families.sums.add(base.sums);
      families.pairs.emplace_back(id, std::move(base));
    }
  }
  std::ranges::stable_sort(families.pairs, std::greater{}, [](const auto& pair) { return pair.second.saved_bytes(); });
  return families;
}

std::string job_name() {
  const char* job = std::getenv("SLURM_JOB_ID");
  return job != nullptr ? "slurm-" + std::string(job) : "pid-" + std::to_string(::getpid());
}

}  // namespace

double Report::ratio() const {
  return quotient(file_bytes_total, bytes_total);
}

std::string to_json(const Report& report) {
  json tree;
  tree["job"] = job_name();
  tree["version"] = kVersion;
  tree["ranks"] = report.ranks;
  tree["threads_per_rank"] = report.threads;
  tree["seconds"] = report.seconds;
  tree["throughput_bytes_per_second"] =
      report.seconds > 0 ? static_cast<double>(report.archived_bytes) / report.seconds : 0.0;
  tree["stopped"] = report.stopped;
  tree["lossless"] = report.lossless;
  tree["corpus"] = {{"models", count_models(report)},
                    {"files", report.corpus_files},
                    {"bytes", report.corpus_bytes},
                    {"files_archived", report.archived_files},
                    {"bytes_archived", report.archived_bytes},
                    {"files_unchanged", report.skipped_files},
                    {"bytes_unchanged", report.skipped_bytes},
                    {"glue_bytes", report.glue_bytes},
                    {"opaque_bytes", report.opaque_bytes()},
                    {"sniffed_bytes", sums_of(report, formats::ContainerId::Sniffed).layer_bytes}};
  tree["containers"] = list_containers(report);
  tree["layers"] = {{"total", report.layers_total},
                    {"unique", report.layers_unique},
                    {"duplicate", report.layers_total - report.layers_unique},
                    {"duplicate_bytes", report.duplicate_bytes}};
  tree["archive"] = {{"bytes_added", report.bytes_added},
                     {"bytes_total", report.bytes_total},
                     {"shards", report.shards},
                     {"file_bytes", report.file_bytes_total}};
  tree["ratio"] = report.ratio();
  tree["encoding"] = {{"level", name(report.level)},
                      {"raw_bytes", report.encoding.raw_bytes},
                      {"encoded_bytes", report.encoding.encoded_bytes},
                      {"cpu_seconds", report.encoding.cpu_seconds()},
                      {"bytes_per_cpu_second", report.encoding.bytes_per_cpu_second()}};
  if (report.level == Level::Max) tree["encoding"]["level_default_bytes"] = report.encoding.default_bytes;
  tree["stages"] = stages(report);
  tree["transforms"] = list_transforms(report);
  tree["models"] = json::array();
  for (const auto& [id, sums] : report.models) {
    const auto bases = bases_of(report, sums);
    tree["models"].push_back({{"id", printable(id)},
                              {"files", sums.files},
                              {"bytes", sums.bytes},
                              {"stored_bytes", sums.stored_bytes},
                              {"ratio", quotient(sums.bytes, sums.stored_bytes)},
                              {"base", bases.empty() ? json() : json(printable(bases.front().id))},
                              {"bases", list_bases(bases)}});
  }
  tree["max_abs_error"] = report.max_abs_error;
  tree["opaque"] = json::array();
  for (const auto& file : report.opaque)
    tree["opaque"].push_back(
        {{"path", printable(file.path)}, {"bytes", file.bytes}, {"reason", printable(file.reason)}});
  tree["notes"] = json::array();
  for (const auto& note : report.notes)
    tree["notes"].push_back({{"model", printable(note.model)}, {"note", printable(note.text)}});
  tree["phases"] = {{"scan", report.phases.scan},
                    {"read", report.phases.read},
                    {"fingerprint", report.phases.fingerprint},
                    {"exchange", report.phases.exchange},
                    {"encode", report.phases.encode},
                    {"write", report.phases.write}};
  tree["exchanged_bytes"] = report.exchanged_bytes;
  tree["peak_rss_bytes"] = report.peak_rss_bytes;
  tree["failures"] = json::array();
  for (const auto& failure : report.failures)
    tree["failures"].push_back({{"path", printable(failure.path)}, {"reason", printable(failure.reason)}});
  return tree.dump(2) + "\n";
}

std::string to_text(const Report& report, const std::string& archive) {
  std::string text;
  const auto line = [&]<class... Args>(fmt::format_string<Args...> format, Args&&... args) {
    text += fmt::format(format, std::forward<Args>(args)...) + "\n";
  };
  line("corpus      {} in {} files", format_bytes(report.corpus_bytes), report.corpus_files);
  if (report.skipped_files > 0)
    line("unchanged   {} in {} files, archived before", format_bytes(report.skipped_bytes), report.skipped_files);
  if (report.dry_run) {
    line("would add   {} in {} files (dry run: nothing written)", format_bytes(report.archived_bytes),
         report.archived_files);
    return text;
  }
  line("archived    {} in {} files of {} models, {} s at {}/s", format_bytes(report.archived_bytes),
       report.archived_files, count_models(report), fmt::format("{:.2f}", report.seconds),
       format_bytes(
           static_cast<std::uint64_t>(static_cast<double>(report.archived_bytes) / std::max(report.seconds, 1e-9))));
  line("formats     {}", name_containers(report));
  line("layers      {}, of which {} unique; duplicates saved {}", report.layers_total, report.layers_unique,
       format_bytes(report.duplicate_bytes));
  for (std::size_t i = 0; i < kTransforms; ++i) {
    const auto& sums = report.transforms[i];
    if (sums.raw_bytes == 0) continue;
    line("  {:<10}{:>10} -> {:>10}   {:.2f}x", name(static_cast<TransformId>(i)), format_bytes(sums.raw_bytes),
         format_bytes(sums.encoded_bytes), quotient(sums.raw_bytes, sums.encoded_bytes));
  }
  if (const auto families = families_of(report); !families.pairs.empty()) {
    const auto saved = [](const BaseSums& sums) {
      return format_bytes(sums.alone_bytes - std::min(sums.alone_bytes, sums.stored_bytes));
    };
    line("families    {} layers of {} models rest on others: {} -> {}, saved {} over standing alone",
         families.sums.layers, families.models, format_bytes(families.sums.bytes),
         format_bytes(families.sums.stored_bytes), saved(families.sums));
    constexpr std::size_t kShownFamilies = 5;
    for (std::size_t i = 0; i < std::min(kShownFamilies, families.pairs.size()); ++i) {
      const auto& [model, base] = families.pairs[i];
      line("  {} on {} (by {}): {} -> {}, saved {}", printable(model), printable(base.id), base.found_by(),
           format_bytes(base.sums.bytes), format_bytes(base.sums.stored_bytes), saved(base.sums));
    }
    if (families.pairs.size() > kShownFamilies)
      line("  and {} more (all in --report)", families.pairs.size() - kShownFamilies);
  }
  const auto& encoding = report.encoding;
  line("encoding    level {}: {:.2f} s of CPU time for {}, {}/s", name(report.level), encoding.cpu_seconds(),
       format_bytes(encoding.raw_bytes), format_bytes(static_cast<std::uint64_t>(encoding.bytes_per_cpu_second())));
  if (report.level == Level::Max)
    line("            {}; level default would take {} ({:+.2f} %)", format_bytes(encoding.encoded_bytes),
         format_bytes(encoding.default_bytes), 100 * (quotient(encoding.default_bytes, encoding.encoded_bytes) - 1));
  if (report.lossless)
    line("exact       every byte comes back");
  else
    line("exact       all but float layers coded by ELF: max error {:.3g}", report.max_abs_error);
  if (!report.opaque.empty()) {
    line("opaque      {} ({:.1f} %) in {} files: no layers seen there, stored byte-exact (why: --report)",
         format_bytes(report.opaque_bytes()),
         100.0 * static_cast<double>(report.opaque_bytes()) /
             static_cast<double>(std::max<std::uint64_t>(report.archived_bytes, 1)),
         report.opaque.size());
  }
  line("added       {} (everything on disk)", format_bytes(report.bytes_added));
  line("archive     {}: {} for {} of files in {} shards: {:.3f}x", archive, format_bytes(report.bytes_total),
       format_bytes(report.file_bytes_total), report.shards, report.ratio());
  line("memory      at most {} a rank; {} ranks x {} threads", format_bytes(report.peak_rss_bytes), report.ranks,
       report.threads);
  if (report.stopped) line("stopped     early, after a commit: run the same command again to go on");
  constexpr std::size_t kShown = 10;
  for (std::size_t i = 0; i < std::min(kShown, report.notes.size()); ++i)
    line("note        {}: {}", printable(report.notes[i].model), printable(report.notes[i].text));
  if (report.notes.size() > kShown) line("note        and {} more (all in --report)", report.notes.size() - kShown);
  for (std::size_t i = 0; i < std::min(kShown, report.failures.size()); ++i)
    line("skipped     {}: {}", printable(report.failures[i].path), printable(report.failures[i].reason));
  if (report.failures.size() > kShown)
    line("skipped     and {} more (all in --report)", report.failures.size() - kShown);
  return text;
}

}  // namespace elves::pipeline
