#include "restore/restore.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "restore/container_checksums.hpp"
#include "restore/decode/file_decoder.hpp"
#include "restore/target_tree.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::restore {
namespace {

namespace fs = std::filesystem;

Result<void> prepare_target(const std::string& to, bool force) {
  std::error_code error;
  fs::create_directories(to, error);
  if (error) return Error{to + ": " + error.message()};
  if (!force && !fs::is_empty(to, error))
    return Error{to + " exists and is not empty: choose another --to, or --force to replace files in it"};
  if (error) return Error{to + ": " + error.message()};
  return {};
}

/// What this rank restores, by kind.
struct Work {
  std::vector<ArchivedFile> files;
  std::vector<archive::FileRef> contents;  ///< the rows of `files`
  std::vector<ArchivedFile> directories, symlinks, hardlinks;
};

class Restorer final : public FileVisitor {
 public:
  Restorer(TargetTree& tree, const Work& work, RestoreSummary& summary)
      : tree_(tree), work_(work), summary_(summary), open_(work.files.size()) {}

  Result<void> begin(std::size_t index, const ArchivedFile&) override {
    const auto& file = work_.files[index];
    if (!is_safe_path(file.path)) return Error{"unsafe path in the archive: not restored"};
    ELVES_TRY(auto target, tree_.begin_file(file.path));
    open_[index] = std::make_unique<Open>(std::move(target), file.row);
    return {};
  }

  Result<void> pieces(std::size_t index, std::span<const DecodedPiece> pieces) override {
    auto& open = *open_[index];
    open.checksums.take(pieces);
    const auto& last = pieces.back();
    const auto* begin = pieces.front().bytes.data();
    return open.target.write({begin, last.bytes.data() + last.bytes.size()}, pieces.front().offset_bytes);
  }

  void end(std::size_t index, const ArchivedFile&, const Result<void>& outcome) override {
    const auto open = std::move(open_[index]);
    const auto& file = work_.files[index];
    auto done = outcome;
    if (done) done = correct_checksums(*open, file.row.size_bytes);
    if (done) done = tree_.commit_file(std::move(open->target), file.row);
    if (!done) {
      summary_.problems.push_back({file.path, done.error().message});
    } else {
      ++summary_.paths;
      ++(file.row.loss_id == 0 ? summary_.exact_files : summary_.bounded_files);
      summary_.bytes += file.row.size_bytes;
    }
  }

 private:
  struct Open {
    TargetFile target;
    ContainerChecksums checksums;
    Open(TargetFile file, const archive::FileRow& row) : target(std::move(file)), checksums(row) {}
  };

  static Result<void> correct_checksums(Open& open, std::uint64_t size_bytes) {
    ELVES_TRY(const auto corrections, open.checksums.corrections(open.target.written(size_bytes)));
    for (const auto& patch : corrections) ELVES_CHECK(open.target.write(patch.bytes, patch.offset_bytes));
    return {};
  }

  TargetTree& tree_;
  const Work& work_;
  RestoreSummary& summary_;
  std::vector<std::unique_ptr<Open>> open_;  ///< by file, while it is written
};

Work sort_by_kind(archive::ShardSet& shards, const SelectedFiles& selected, RestoreSummary& summary) {
  Work work;
  for (const auto& [ref, link] : selected.files) {
    auto file = read_file_row(shards, ref);
    if (!file) {
      summary.problems.push_back(
          {fmt::format("row {} of {}", ref.row, archive::shard_name(ref.shard)), file.error().message});
    } else if (has_content(file->kind()) && !link) {
      work.files.push_back(std::move(*file));
      work.contents.push_back(ref);
    } else if (file->kind() == FileKind::Directory) {
      work.directories.push_back(std::move(*file));
    } else if (file->kind() == FileKind::Symlink) {
      work.symlinks.push_back(std::move(*file));
    } else if (file->kind() == FileKind::Hardlink) {
      work.hardlinks.push_back(std::move(*file));
    } else {
      summary.problems.push_back({file->path, fmt::format("unknown kind of file {}", file->row.kind)});
    }
  }
  return work;
}

template <class Make>
void make_each(const std::vector<ArchivedFile>& files, RestoreSummary& summary, Make make) {
  for (const auto& file : files) {
    if (auto made = make(file); !made)
      summary.problems.push_back({file.path, made.error().message});
    else
      ++summary.paths;
  }
}

/// Collective. Leaves out the hard links to first names that some rank failed to restore: with --force an older file
/// may stand under that name.
void drop_links_to_failed(const mpi::Comm& comm, const KeyedHash& hash, std::vector<ArchivedFile>& hardlinks,
                          RestoreSummary& summary) {
  std::vector<Hash128> mine;
  for (const auto& problem : summary.problems) mine.push_back(hash(problem.path));
  std::set<Hash128> failed;
  for (const auto& from_rank : comm.alltoallv(mpi::PerRank<Hash128>(static_cast<std::size_t>(comm.size()), mine)))
    failed.insert(from_rank.begin(), from_rank.end());
  std::erase_if(hardlinks, [&](const ArchivedFile& link) {
    if (!failed.contains(hash(link.target))) return false;
    summary.problems.push_back({link.path, "its first name " + printable(link.target) + " was not restored"});
    return true;
  });
}

/// Children before parents, over all ranks: a folder's mode may close it, and its time changes with what is made in it.
void finish_directories(const mpi::Comm& comm, TargetTree& tree, const std::vector<ArchivedFile>& directories,
                        RestoreSummary& summary) {
  const auto depth_of = [](const ArchivedFile& file) {
    return static_cast<std::uint64_t>(std::count(file.path.begin(), file.path.end(), '/')) + 1;
  };
  std::uint64_t deepest = 0;
  for (const auto& folder : directories) deepest = std::max(deepest, depth_of(folder));
  for (auto depth = comm.max(deepest); depth > 0; --depth) {
    for (const auto& folder : directories) {
      if (depth_of(folder) != depth) continue;
      if (auto done = tree.finish_directory(folder.path, folder.row); !done)
        summary.problems.push_back({folder.path, done.error().message});
    }
    comm.barrier();
  }
}

}  // namespace

RestoreSummary restore(const mpi::Comm& comm, const archive::ArchiveDir& directory, const RestoreOptions& options) {
  const auto selected = select_files(comm, directory, options.selection);
  comm.agree(comm.is_root() ? prepare_target(options.to, options.force) : Result<void>{}, "restore");
  auto tree = TargetTree::open(options.to, options.force);
  comm.agree(tree ? Result<void>{} : Result<void>{tree.error()}, "restore");

  RestoreSummary summary;
  summary.unmatched = selected.unmatched;
  summary.problems = selected.collisions;
  archive::ShardSet shards(directory);
  auto work = sort_by_kind(shards, selected, summary);
  make_each(work.directories, summary, [&](const ArchivedFile& folder) { return tree->make_directory(folder.path); });
  Restorer restorer(*tree, work, summary);
  const auto decoded = decode_files(shards, directory, work.contents, options.threads, restorer);
  // Links after files, so that no file is ever written through a link.
  drop_links_to_failed(comm, KeyedHash(directory.identity.hash_secret), work.hardlinks, summary);
  make_each(work.hardlinks, summary,
            [&](const ArchivedFile& link) { return tree->make_hardlink(link.path, link.target); });
  comm.barrier();
  make_each(work.symlinks, summary,
            [&](const ArchivedFile& link) { return tree->make_symlink(link.path, link.target, link.row); });
  comm.barrier();
  finish_directories(comm, *tree, work.directories, summary);
  comm.agree(tree->sync(), "restore");
  for (auto* counter : {&summary.paths, &summary.bytes, &summary.exact_files, &summary.bounded_files})
    *counter = comm.sum(*counter);
  summary.shared_chunks = comm.sum(decoded.shared_chunks);
  return summary;
}

}  // namespace elves::restore
