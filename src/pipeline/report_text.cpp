#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "formats/registry.hpp"
#include "pipeline/report.hpp"
#include "pipeline/report_sums.hpp"
#include "support/text.hpp"

namespace elves::pipeline {
namespace {

constexpr std::size_t kShown = 10;       // notes, failures: of more, the report has the rest
constexpr std::size_t kShownDeltas = 5;  // pairs of a model and its base

/// Lines with a label in front, in columns.
class Lines {
 public:
  template <class... Args>
  void add(std::string_view label, fmt::format_string<Args...> format, Args&&... args) {
    text_ += fmt::format("{:<12}", label) + fmt::format(format, std::forward<Args>(args)...) + "\n";
  }
  /// Below a line that was added with add().
  template <class... Args>
  void detail(fmt::format_string<Args...> format, Args&&... args) {
    text_ += "  " + fmt::format(format, std::forward<Args>(args)...) + "\n";
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

/// "40.0 -> 23.0 MiB", "1.20 GiB -> 23.0 MiB".
std::string format_change(std::uint64_t before, std::uint64_t after) {
  auto from = format_bytes(before);
  const auto to = format_bytes(after);
  const auto unit = to.substr(to.rfind(' '));
  if (from.ends_with(unit)) from.resize(from.size() - unit.size());
  return from + " -> " + to;
}

std::string rate(std::uint64_t bytes, double seconds) {
  return format_bytes(static_cast<std::uint64_t>(static_cast<double>(bytes) / std::max(seconds, 1e-9)));
}

/// "24 torch-zip, 17 safetensors", most bytes first; "" where no file has layers.
std::string name_formats(const Report& report) {
  std::vector<std::size_t> ids;
  for (std::size_t i = 1; i < report.containers.size(); ++i) {
    if (report.containers[i].files > 0) ids.push_back(i);
  }
  std::ranges::stable_sort(ids, std::greater{}, [&](std::size_t i) { return report.containers[i].bytes; });
  std::string text;
  for (const auto i : ids) {
    const auto format = formats::name(static_cast<formats::FormatId>(i));
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", report.containers[i].files, format);
  }
  return text;
}

void add_corpus(const Report& report, Lines& lines) {
  lines.add("corpus", "{} in {}", format_bytes(report.corpus_bytes), counted(report.corpus_files, "file"));
  if (report.skipped_files > 0)
    lines.add("unchanged", "{} in {}, archived before", format_bytes(report.skipped_bytes),
              counted(report.skipped_files, "file"));
}

void add_archived(const Report& report, Lines& lines) {
  if (report.archived_files == 0) return;
  lines.add("archived", "{} in {} of {}, {:.2f} s at {}/s", format_bytes(report.archived_bytes),
            counted(report.archived_files, "file"), counted(count_models(report), "model"), report.seconds,
            rate(report.archived_bytes, report.seconds));
  if (const auto formats = name_formats(report); !formats.empty()) lines.add("formats", "{}", formats);
  if (report.layers_total > 0) lines.add("layers", "{}, of which {} unique", report.layers_total, report.layers_unique);
}

/// Stages that saved nothing are left out; the heads of chunks may cost them a few bytes.
void add_savings(const Report& report, Lines& lines) {
  const auto saved = saved_by_stage(report);
  std::string text;
  for (std::size_t i = 0; i < saved.size(); ++i) {
    if (saved[i] <= 0) continue;
    const auto bytes = format_bytes(static_cast<std::uint64_t>(saved[i]));
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name(static_cast<Stage>(i)), bytes);
  }
  if (!text.empty()) lines.add("saved", "{}", text);
}

/// "8.32 MiB less than without a base"
std::string compare_with_standalone(const BaseSums& sums) {
  const auto saved = sums.saved_bytes();
  return fmt::format("{} {} than without a base", format_bytes(static_cast<std::uint64_t>(saved < 0 ? -saved : saved)),
                     saved < 0 ? "more" : "less");
}

void add_deltas(const Report& report, Lines& lines) {
  const auto deltas = deltas_of(report);
  if (deltas.pairs.empty()) return;
  lines.add("deltas", "{} in {}: {} ({})", counted(deltas.sums.layers, "layer"), counted(deltas.models, "model"),
            format_change(deltas.sums.bytes, deltas.sums.stored_bytes), compare_with_standalone(deltas.sums));
  for (const auto& [model, base] : std::span(deltas.pairs).first(std::min(kShownDeltas, deltas.pairs.size())))
    lines.detail("{} from {} (by {}): {} ({})", printable(model), printable(base.id), base.found_by(),
                 format_change(base.sums.bytes, base.sums.stored_bytes), compare_with_standalone(base.sums));
  if (deltas.pairs.size() > kShownDeltas)
    lines.detail("and {} more (all in --report)", deltas.pairs.size() - kShownDeltas);
}

void add_encoding(const Report& report, Lines& lines) {
  const auto& encoding = report.encoding;
  if (encoding.raw_bytes == 0) return;
  lines.add("encoding", "level {}: {:.2f} s of CPU time for {}, {}/s", name(report.level), encoding.cpu_seconds(),
            format_bytes(encoding.raw_bytes),
            format_bytes(static_cast<std::uint64_t>(encoding.bytes_per_cpu_second())));
  if (report.level == Level::Max)
    lines.add("", "{}; level default would take {} ({:+.2f} %)", format_bytes(encoding.encoded_bytes),
              format_bytes(encoding.default_bytes),
              100 * (quotient(encoding.default_bytes, encoding.encoded_bytes) - 1));
}

void add_loss(const Report& report, Lines& lines) {
  if (report.files_within_bounds > 0)
    lines.add("loss", "{} within bounds (largest error {:.3g}), {} bit for bit; with --lossless all are bit for bit",
              counted(report.files_within_bounds, "file"), report.max_abs_error, report.files_exact);
  else if (report.files_exact > 0)
    lines.add("loss", "none: {} bit for bit", counted(report.files_exact, "file"));
}

void add_opaque(const Report& report, Lines& lines) {
  if (report.opaque.empty()) return;
  const auto share = static_cast<double>(report.opaque_bytes()) /
                     static_cast<double>(std::max<std::uint64_t>(report.archived_bytes, 1));
  lines.add("opaque", "{} ({:.1f} %) in {}: may hold weights that elves cannot see, stored bit for bit (why: --report)",
            format_bytes(report.opaque_bytes()), 100 * share, counted(report.opaque.size(), "file"));
}

void add_archive(const Report& report, const std::string& archive, Lines& lines) {
  if (report.bytes_added > 0) lines.add("added", "{} on disk", format_bytes(report.bytes_added));
  lines.add("archive", "{}: {} for {} of files in {}: {:.3f}x", archive, format_bytes(report.bytes_total),
            format_bytes(report.file_bytes_total), counted(report.shards, "shard"), report.ratio());
  if (report.superseded_bytes > 0)
    lines.add("", "also holds {} of superseded versions of files", format_bytes(report.superseded_bytes));
  lines.add("memory", "at most {} a rank; {} x {}", format_bytes(report.peak_rss_bytes),
            counted(static_cast<std::uint64_t>(report.ranks), "rank"),
            counted(static_cast<std::uint64_t>(report.threads), "thread"));
  if (report.stopped) lines.add("stopped", "early, after a commit: run the same command again to go on");
}

void add_wave_size(const Report& report, Lines& lines) {
  if (report.wave_bytes_reduced)
    lines.add("waves",
              "of {}, because {} cannot hold more: a larger --memory makes an archive that is the same for every "
              "number of ranks",
              format_bytes(report.wave_bytes), counted(static_cast<std::uint64_t>(report.ranks), "rank"));
}

void add_notes(const Report& report, Lines& lines) {
  for (const auto& note : std::span(report.notes).first(std::min(kShown, report.notes.size())))
    lines.add("note", "{}{}{}", printable(note.model), note.model.empty() ? "" : ": ", printable(note.text));
  if (report.notes.size() > kShown) lines.add("note", "and {} more (all in --report)", report.notes.size() - kShown);
}

void add_problems(std::string_view label, const std::vector<PathProblem>& problems, Lines& lines) {
  for (const auto& problem : std::span(problems).first(std::min(kShown, problems.size())))
    lines.add(label, "{}: {}", printable(problem.path), printable(problem.reason));
  if (problems.size() > kShown) lines.add(label, "and {} more (all in --report)", problems.size() - kShown);
}

}  // namespace

std::string to_text(const Report& report, const std::string& archive) {
  Lines lines;
  add_corpus(report, lines);
  if (report.dry_run) {
    lines.add("would add", "{} in {} (dry run: nothing written)", format_bytes(report.archived_bytes),
              counted(report.archived_files, "file"));
  } else {
    add_archived(report, lines);
    add_savings(report, lines);
    add_deltas(report, lines);
    add_encoding(report, lines);
    add_loss(report, lines);
    add_opaque(report, lines);
    add_archive(report, archive, lines);
    add_wave_size(report, lines);
  }
  add_notes(report, lines);
  add_problems("skipped", report.failures, lines);
  add_problems("unmatched", report.unmatched, lines);
  return lines.take();
}

}  // namespace elves::pipeline
