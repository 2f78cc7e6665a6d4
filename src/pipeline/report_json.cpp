#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "elves/version.hpp"
#include "formats/registry.hpp"
#include "pipeline/report.hpp"
#include "pipeline/report_sums.hpp"
#include "support/text.hpp"

namespace elves::pipeline {
namespace {

using nlohmann::json;

std::string job_name() {
  const char* job = std::getenv("SLURM_JOB_ID");
  return job != nullptr ? fmt::format("slurm-{}", job) : fmt::format("pid-{}", ::getpid());
}

json corpus_of(const Report& report) {
  const auto& sniffed = report.containers[static_cast<std::size_t>(formats::FormatId::Sniffed)];
  return {{"models", count_models(report)},
          {"files", report.corpus_files},
          {"bytes", report.corpus_bytes},
          {"files_archived", report.archived_files},
          {"bytes_archived", report.archived_bytes},
          {"files_within_bounds", report.files_within_bounds},
          {"files_exact", report.files_exact},
          {"files_unchanged", report.skipped_files},
          {"bytes_unchanged", report.skipped_bytes},
          {"glue_bytes", report.glue_bytes},
          {"glue_duplicate_bytes", report.glue_duplicate_bytes},
          {"opaque_bytes", report.opaque_bytes()},
          {"sniffed_bytes", sniffed.layer_bytes}};
}

json containers_of(const Report& report) {
  json list = json::array();
  for (std::size_t i = 0; i < report.containers.size(); ++i) {
    const auto& sums = report.containers[i];
    if (sums.files == 0) continue;
    list.push_back({{"name", formats::name(static_cast<formats::FormatId>(i))},
                    {"files", sums.files},
                    {"bytes", sums.bytes},
                    {"layers", sums.layers},
                    {"layer_bytes", sums.layer_bytes}});
  }
  return list;
}

json layers_of(const Report& report) {
  return {{"total", report.layers_total},
          {"unique", report.layers_unique},
          {"duplicate", report.layers_total - report.layers_unique},
          {"duplicate_bytes", report.duplicate_bytes}};
}

json archive_of(const Report& report) {
  return {{"bytes_added", report.bytes_added},
          {"bytes_total", report.bytes_total},
          {"shards", report.shards},
          {"file_bytes", report.file_bytes_total},
          {"superseded_bytes", report.superseded_bytes}};
}

json encoding_of(const Report& report) {
  json tree{{"level", name(report.level)},
            {"raw_bytes", report.encoding.raw_bytes},
            {"encoded_bytes", report.encoding.encoded_bytes},
            {"cpu_seconds", report.encoding.cpu_seconds()},
            {"bytes_per_cpu_second", report.encoding.bytes_per_cpu_second()}};
  if (report.level == Level::Max) tree["level_default_bytes"] = report.encoding.default_bytes;
  return tree;
}

json stages_of(const Report& report) {
  json tree = json::object();
  const auto saved = saved_by_stage(report);
  for (std::size_t i = 0; i < saved.size(); ++i) tree[std::string(name(static_cast<Stage>(i)))] = saved[i];
  return tree;
}

json transforms_of(const Report& report) {
  json list = json::array();
  for (std::size_t i = 0; i < report.transforms.size(); ++i) {
    const auto& sums = report.transforms[i];
    if (sums.raw_bytes == 0 && sums.layers == 0) continue;
    list.push_back({{"name", name(static_cast<TransformId>(i))},
                    {"layers", sums.layers},
                    {"raw_bytes", sums.raw_bytes},
                    {"encoded_bytes", sums.encoded_bytes}});
  }
  return list;
}

json list_bases(const std::vector<NamedBase>& bases) {
  json list = json::array();
  for (const auto& base : bases) {
    list.push_back({{"id", printable(base.id)},
                    {"layers", base.sums.layers},
                    {"bytes", base.sums.bytes},
                    {"stored_bytes", base.sums.stored_bytes},
                    {"saved_bytes", base.sums.saved_bytes()},
                    {"found_by", base.found_by()}});
  }
  return list;
}

json models_of(const Report& report) {
  json list = json::array();
  for (const auto& [id, sums] : report.models) {
    const auto base = base_of(report, id, sums);
    list.push_back({{"id", printable(id)},
                    {"files", sums.files},
                    {"bytes", sums.bytes},
                    {"stored_bytes", sums.stored_bytes},
                    {"ratio", sums.stored_bytes == 0 ? json() : json(quotient(sums.bytes, sums.stored_bytes))},
                    {"base", base.empty() ? json() : json(printable(base))},
                    {"bases", list_bases(bases_of(report, id, sums))}});
  }
  return list;
}

json opaque_of(const Report& report) {
  json list = json::array();
  for (const auto& file : report.opaque)
    list.push_back({{"path", printable(file.path)}, {"bytes", file.bytes}, {"reason", printable(file.reason)}});
  return list;
}

json notes_of(const Report& report) {
  auto notes = report.notes;
  notes.insert(notes.end(), report.unused_lineage.begin(), report.unused_lineage.end());
  std::ranges::sort(notes);
  json list = json::array();
  for (const auto& note : notes) list.push_back({{"model", printable(note.model)}, {"note", printable(note.text)}});
  return list;
}

json phases_of(const Report& report) {
  return {{"scan", report.phases.scan},
          {"read", report.phases.read},
          {"fingerprint", report.phases.fingerprint},
          {"exchange", report.phases.exchange},
          {"encode", report.phases.encode},
          {"write", report.phases.write}};
}

/// `key`: what the path of a problem is.
json problems_of(const std::vector<PathProblem>& problems, const char* key) {
  json list = json::array();
  for (const auto& problem : problems)
    list.push_back({{key, printable(problem.path)}, {"reason", printable(problem.reason)}});
  return list;
}

}  // namespace

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
  tree["wave_bytes"] = report.wave_bytes;
  tree["wave_bytes_reduced"] = report.wave_bytes_reduced;
  tree["corpus"] = corpus_of(report);
  tree["containers"] = containers_of(report);
  tree["layers"] = layers_of(report);
  tree["archive"] = archive_of(report);
  tree["ratio"] = report.ratio();
  tree["encoding"] = encoding_of(report);
  tree["stages"] = stages_of(report);
  tree["transforms"] = transforms_of(report);
  tree["models"] = models_of(report);
  tree["max_abs_error"] = report.max_abs_error;
  tree["opaque"] = opaque_of(report);
  tree["notes"] = notes_of(report);
  tree["phases"] = phases_of(report);
  tree["exchanged_bytes"] = report.exchanged_bytes;
  tree["peak_rss_bytes"] = report.peak_rss_bytes;
  tree["failures"] = problems_of(report.failures, "path");
  tree["unmatched"] = problems_of(report.unmatched, "selection");
  return tree.dump(2) + "\n";
}

}  // namespace elves::pipeline
