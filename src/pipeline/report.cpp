#include "pipeline/report.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <set>

#include <fmt/format.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "corpus/container.hpp"
#include "elves/version.hpp"
#include "support/byte_cursor.hpp"
#include "support/text.hpp"

namespace elves::pipeline {
namespace {

using nlohmann::json;

double quotient(std::uint64_t a, std::uint64_t b) {
  return b == 0 ? 1.0 : static_cast<double>(a) / static_cast<double>(b);
}

/// The lists of a rank, for rank 0.
std::vector<std::byte> pack(const Report& report) {
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  writer.varint(report.models.size());
  for (const auto& [id, sums] : report.models) {
    writer.text(id);
    writer.write(sums.files);
    writer.write(sums.bytes);
    writer.write(sums.stored_bytes);
    writer.write(sums.new_layers);
    writer.varint(sums.bases.size());
    for (const auto& [base, base_sums] : sums.bases) {
      writer.write(base);
      writer.write(base_sums);
    }
  }
  writer.varint(report.base_models.size());
  for (const auto& [hash, id] : report.base_models) {
    writer.write(hash);
    writer.text(id);
  }
  writer.varint(report.opaque.size());
  for (const auto& file : report.opaque) {
    writer.text(file.path);
    writer.write(file.bytes);
    writer.text(file.reason);
  }
  writer.varint(report.failures.size());
  for (const auto& failure : report.failures) {
    writer.text(failure.path);
    writer.text(failure.reason);
  }
  writer.varint(report.notes.size());
  for (const auto& note : report.notes) {
    writer.text(note.model);
    writer.text(note.text);
  }
  return bytes;
}

void unpack(std::span<const std::byte> bytes, Report& report) {
  ByteCursor cursor(bytes);
  for (auto n = cursor.read_varint(); n > 0; --n) {
    auto& model = report.models[cursor.read_text()];
    model.files += cursor.read<std::uint64_t>();
    model.bytes += cursor.read<std::uint64_t>();
    model.stored_bytes += cursor.read<std::uint64_t>();
    model.new_layers += cursor.read<std::uint64_t>();
    for (auto bases = cursor.read_varint(); bases > 0; --bases) {
      const auto base = cursor.read<Hash128>();
      model.bases[base].add(cursor.read<BaseSums>());
    }
  }
  for (auto n = cursor.read_varint(); n > 0; --n) {
    const auto hash = cursor.read<Hash128>();
    report.base_models[hash] = cursor.read_text();
  }
  for (auto n = cursor.read_varint(); n > 0; --n) {
    OpaqueFile file;
    file.path = cursor.read_text();
    file.bytes = cursor.read<std::uint64_t>();
    file.reason = cursor.read_text();
    report.opaque.push_back(std::move(file));
  }
  for (auto n = cursor.read_varint(); n > 0; --n) {
    corpus::PathProblem failure;
    failure.path = cursor.read_text();
    failure.reason = cursor.read_text();
    report.failures.push_back(std::move(failure));
  }
  for (auto n = cursor.read_varint(); n > 0; --n) {
    plan::ModelNote note;
    note.model = cursor.read_text();
    note.text = cursor.read_text();
    report.notes.push_back(std::move(note));
  }
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

/// Bytes that each stage took off, by the transform that was used: what the transform itself left out, and what entropy
/// coding of its streams saved (planes save by being coded, so theirs is counted as one).
json stages(const Report& report) {
  const auto& t = report.transforms;
  const auto at = [&](TransformId id) -> const TransformSums& { return t[static_cast<std::size_t>(id)]; };
  const auto by_transform = [&](TransformId id) {
    return static_cast<std::int64_t>(at(id).raw_bytes) - static_cast<std::int64_t>(at(id).transformed_bytes);
  };
  const auto by_coding = [&](TransformId id) {
    return static_cast<std::int64_t>(at(id).transformed_bytes) - static_cast<std::int64_t>(at(id).encoded_bytes);
  };
  const auto by_both = [&](TransformId id) { return by_transform(id) + by_coding(id); };
  const auto by_base = [&](TransformId id) {
    return static_cast<std::int64_t>(at(id).alone_bytes) - static_cast<std::int64_t>(at(id).encoded_bytes);
  };
  const auto without_base = [&](TransformId id) {
    return static_cast<std::int64_t>(at(id).raw_bytes) - static_cast<std::int64_t>(at(id).alone_bytes);
  };
  const auto planes = without_base(TransformId::Delta) + by_both(TransformId::Planes) + by_both(TransformId::IntDelta) +
                      by_both(TransformId::Blocks);
  const auto elf =
      without_base(TransformId::ElfDelta) + by_transform(TransformId::Elf) + by_transform(TransformId::ElfPacked);
  const auto zstd = by_coding(TransformId::Raw) + by_coding(TransformId::Elf) + by_coding(TransformId::ElfPacked) +
                    by_coding(TransformId::De) + by_coding(TransformId::Palette);
  return {{"hd", report.duplicate_bytes},
          {"de", by_transform(TransformId::De) + by_transform(TransformId::Palette)},
          {"elf", elf},
          {"delta", by_base(TransformId::Delta) + by_base(TransformId::ElfDelta)},
          {"planes", planes},
          {"zstd", zstd}};
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

const ContainerSums& sums_of(const Report& report, corpus::ContainerId id) {
  return report.containers[static_cast<std::size_t>(id)];
}

json list_containers(const Report& report) {
  json list = json::array();
  for (std::size_t i = 0; i < report.containers.size(); ++i) {
    const auto& sums = report.containers[i];
    if (sums.files == 0) continue;
    list.push_back({{"name", corpus::name(static_cast<corpus::ContainerId>(i))},
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
            std::string(corpus::name(static_cast<corpus::ContainerId>(i)));
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
struct Families {
  std::vector<std::pair<std::string, NamedBase>> pairs;  ///< model and base, most saved first
  std::size_t models = 0;
  BaseSums sums;
};

Families families_of(const Report& report) {
  Families families;
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

std::uint64_t Report::opaque_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& file : opaque) bytes += file.bytes;
  return bytes;
}

void name_base_models(const mpi::Comm& comm, const std::map<Hash128, std::string>& known, const plan::Lineage& lineage,
                      Report& mine) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::map<Hash128, std::string> names = known;
  for (const auto& [id, model] : mine.models) names.emplace(hash128(id), id);
  std::set<Hash128> wanted;
  for (const auto& [id, model] : mine.models) {
    for (const auto& [base, sums] : model.bases) wanted.insert(base);
    for (const auto& base : lineage.bases_of(hash128(id))) wanted.insert(base);
  }
  std::vector<Hash128> unknown;
  for (const auto& base : wanted) {
    if (const auto at = names.find(base); at != names.end())
      mine.base_models[base] = at->second;
    else if (base != Hash128{})
      unknown.push_back(base);
  }
  mpi::PerRank<std::byte> answers(ranks);
  const auto asked = comm.alltoallv(mpi::PerRank<Hash128>(ranks, unknown));
  for (std::size_t r = 0; r < ranks; ++r) {
    ByteWriter writer(answers[r]);
    for (const auto& hash : asked[r]) {
      const auto at = names.find(hash);
      if (at == names.end()) continue;
      writer.write(hash);
      writer.text(at->second);
    }
  }
  for (const auto& answer : comm.alltoallv(answers)) {
    for (ByteCursor cursor(answer); !cursor.at_end();) {
      const auto hash = cursor.read<Hash128>();
      mine.base_models[hash] = cursor.read_text();
    }
  }
}

void note_unused_lineage(const plan::Lineage& lineage, Report& all) {
  for (const auto& [id, model] : all.models) {
    if (model.new_layers == 0) continue;
    for (const auto& base : lineage.bases_of(hash128(id))) {
      const auto name = all.base_models.find(base);
      if (name == all.base_models.end() || model.bases.contains(base)) continue;
      all.notes.push_back({id, "names " + name->second +
                                   " as its base, but no layer of it is stored as a difference from there: other "
                                   "shapes, or others are nearer"});
    }
  }
  std::ranges::sort(all.notes);
}

double Report::ratio() const {
  return quotient(file_bytes_total, bytes_total);
}

Report gather(const mpi::Comm& comm, const Report& mine) {
  Report all = mine;
  std::vector<std::uint64_t> sums{mine.corpus_files,    mine.corpus_bytes,  mine.archived_files, mine.archived_bytes,
                                  mine.skipped_files,   mine.skipped_bytes, mine.layers_total,   mine.layers_unique,
                                  mine.duplicate_bytes, mine.glue_bytes,    mine.exchanged_bytes};
  const auto& encoding = mine.encoding;
  sums.insert(sums.end(),
              {encoding.raw_bytes, encoding.encoded_bytes, encoding.default_bytes, encoding.cpu_nanoseconds});
  for (const auto& t : mine.transforms)
    sums.insert(sums.end(), {t.layers, t.raw_bytes, t.transformed_bytes, t.encoded_bytes, t.alone_bytes});
  for (const auto& c : mine.containers) sums.insert(sums.end(), {c.files, c.bytes, c.layers, c.layer_bytes});
  sums = comm.sum(sums);
  std::size_t at = 0;
  for (auto* value : {&all.corpus_files, &all.corpus_bytes, &all.archived_files, &all.archived_bytes,
                      &all.skipped_files, &all.skipped_bytes, &all.layers_total, &all.layers_unique,
                      &all.duplicate_bytes, &all.glue_bytes, &all.exchanged_bytes, &all.encoding.raw_bytes,
                      &all.encoding.encoded_bytes, &all.encoding.default_bytes, &all.encoding.cpu_nanoseconds})
    *value = sums[at++];
  for (auto& t : all.transforms) {
    for (auto* value : {&t.layers, &t.raw_bytes, &t.transformed_bytes, &t.encoded_bytes, &t.alone_bytes})
      *value = sums[at++];
  }
  for (auto& c : all.containers) {
    for (auto* value : {&c.files, &c.bytes, &c.layers, &c.layer_bytes}) *value = sums[at++];
  }
  for (auto* value : {&all.seconds, &all.max_abs_error, &all.phases.scan, &all.phases.read, &all.phases.fingerprint,
                      &all.phases.exchange, &all.phases.encode, &all.phases.write})
    *value = comm.max(*value);
  all.peak_rss_bytes = comm.max(mine.peak_rss_bytes);
  all.models.clear();
  all.opaque.clear();
  all.failures.clear();
  all.notes.clear();
  for (const auto& packed : comm.gather(pack(mine))) unpack(packed, all);
  const auto by_path = [](const auto& a, const auto& b) { return a.path < b.path; };
  std::sort(all.opaque.begin(), all.opaque.end(), by_path);
  std::sort(all.failures.begin(), all.failures.end(), by_path);
  std::sort(all.notes.begin(), all.notes.end());
  all.notes.erase(std::unique(all.notes.begin(), all.notes.end()), all.notes.end());
  return all;
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
                    {"sniffed_bytes", sums_of(report, corpus::ContainerId::Sniffed).layer_bytes}};
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
