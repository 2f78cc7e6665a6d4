#include "pipeline/scan.hpp"

#include <omp.h>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <optional>

#include "corpus/disk_folder.hpp"
#include "corpus/walk.hpp"
#include "elves/error.hpp"
#include "formats/parse_file.hpp"
#include "pipeline/corpus_depth.hpp"
#include "pipeline/lineage.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"

namespace elves::pipeline {
namespace {

/// The folder of the last file that this thread parsed: the next file usually lies in the same one.
using LastFolder = std::optional<corpus::DiskFolder>;

formats::ParsedFile parse_opened(const std::string& root, const corpus::FileEntry& entry, int fd, LastFolder& last) {
  const auto slash = entry.path.rfind('/');
  const auto folder = slash == std::string::npos ? root : root + "/" + entry.path.substr(0, slash);
  if (!last || last->path() != folder) last.emplace(folder);
  const auto name = std::string_view(entry.path).substr(slash == std::string::npos ? 0 : slash + 1);
  return formats::parse_file(formats::FileSource(fd, entry.size_bytes), {name, &*last});
}

/// Opens and parses one file; `problem` says why it cannot be read.
plan::PlannedFile parse(const std::string& root, corpus::FileEntry entry, LastFolder& last, std::string& problem) {
  plan::PlannedFile file{std::move(entry), {}, 0, 0, 0};
  if (!has_content(file.entry.kind)) return file;
  const FileDescriptor fd(open_regular_file(root + "/" + file.entry.path));
  if (!fd)
    problem = errno_text(errno);
  else
    file.parsed = parse_opened(root, file.entry, fd.get(), last);
  return file;
}

void count_container(const plan::PlannedFile& file, Report& report) {
  if (!has_content(file.entry.kind)) return;
  auto& sums = report.containers[static_cast<std::size_t>(file.parsed.format)];
  ++sums.files;
  sums.bytes += file.entry.size_bytes;
  for (const auto& extent : file.parsed.extents) {
    sums.layers += extent.is_layer ? 1 : 0;
    sums.layer_bytes += extent.is_layer ? extent.length_bytes : 0;
  }
  if (!file.parsed.opaque_reason.empty())
    report.opaque.push_back({file.entry.path, file.parsed.opaque_bytes, file.parsed.opaque_reason});
}

/// Counts files and links, and the bytes of regular files. Folders count for nothing.
void count_files(const std::vector<corpus::FileEntry>& entries, std::uint64_t& files, std::uint64_t& bytes) {
  for (const auto& entry : entries) {
    if (entry.kind == FileKind::Directory) continue;
    ++files;
    if (entry.kind == FileKind::Regular) bytes += entry.size_bytes;
  }
}

/// Why there is nothing to archive: the selection, or the corpus.
std::string nothing_to_archive(const SweepOptions& options, std::uint64_t n_problems) {
  const auto& filter = options.walk.filter;
  const bool selects = !filter.include.empty() || !filter.exclude.empty() || !options.walk.files_from.empty();
  const auto why = selects ? "no file matches --include, --exclude and --files-from" : "it holds no file";
  const auto unreadable =
      n_problems == 0 ? std::string() : fmt::format("; {} could not be read", counted(n_problems, "path"));
  return fmt::format("corpus: {}: nothing to archive: {}{} (--allow-empty accepts that)", printable(options.corpus),
                     why, unreadable);
}

/// Collective. Whether some file is to be archived and no model of the corpus has an organisation.
bool has_flat_ids(const mpi::Comm& comm, const LineageSources& sources, const std::vector<corpus::FileEntry>& entries) {
  const auto has_organisation = [](const std::string& id) { return id.find('/') != std::string::npos; };
  return comm.any(!entries.empty()) && comm.any(!sources.models.empty()) &&
         !comm.any(std::ranges::any_of(sources.models, has_organisation));
}

void note_depth(const std::string& corpus, Report& report) {
  const CorpusDepth depth(corpus);
  if (depth.lies_among_organisations()) report.notes.push_back(depth.note());
}

}  // namespace

std::vector<corpus::FileEntry> walk_corpus(const mpi::Comm& comm, const SweepOptions& options, Report& report) {
  auto walked = corpus::walk(comm, options.corpus, options.walk);
  report.failures = std::move(walked.problems);
  report.unmatched = std::move(walked.unmatched);
  count_files(walked.entries, report.corpus_files, report.corpus_bytes);
  if (comm.sum(report.corpus_files) > 0) return std::move(walked.entries);
  if (!options.allow_empty)
    throw AgreedFailure(nothing_to_archive(options, comm.sum(std::uint64_t{report.failures.size()})));
  report.unmatched.clear();
  return std::move(walked.entries);
}

Scanned scan(const mpi::Comm& comm, const SweepOptions& options, std::vector<corpus::FileEntry> walked,
             const archive::Catalog& catalog, const KeyedHash& hash, Report& report) {
  const auto sources = lineage_sources(walked);

  auto kept = plan::drop_archived(comm, std::move(walked), catalog.known_files, hash, loss_of(options.encode));
  auto& entries = kept.entries;
  std::uint64_t new_files = 0;
  std::uint64_t new_bytes = 0;
  count_files(entries, new_files, new_bytes);
  report.skipped_files = report.corpus_files - new_files;
  report.skipped_bytes = report.corpus_bytes - new_bytes;

  std::vector<Hash128> archived_models;
  for (const auto& model : catalog.model_names) archived_models.push_back(model.first);
  auto found = find_lineage(comm, options, sources, entries, archived_models, report.threads);
  report.notes = std::move(found.notes);
  if (has_flat_ids(comm, sources, entries) && comm.is_root()) note_depth(options.corpus, report);
  entries = bases_first(comm, std::move(entries), found.lineage);

  std::vector<plan::PlannedFile> files(entries.size());
  std::vector<std::string> problems(entries.size());
  const auto n = static_cast<std::ptrdiff_t>(entries.size());
  LastFolder last;
#pragma omp parallel for schedule(dynamic) num_threads(report.threads) firstprivate(last)
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    try {
      files[at] = parse(options.corpus, std::move(entries[at]), last, problems[at]);
    } catch (const std::exception& error) {  // out of memory: must not leave the parallel region
      problems[at] = error.what();
    }
  }
  std::vector<plan::PlannedFile> readable;
  for (std::size_t i = 0; i < files.size(); ++i) {
    auto& file = files[i];
    if (!problems[i].empty()) {
      report.failures.push_back({file.entry.path, problems[i]});
      continue;
    }
    count_container(file, report);
    readable.push_back(std::move(file));
  }
  return {std::move(readable), kept.bytes_before, std::move(found.lineage)};
}

}  // namespace elves::pipeline
