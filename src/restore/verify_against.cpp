#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_set>

#include <fmt/format.h>

#include "corpus/walk.hpp"
#include "elves/codec.hpp"
#include "formats/shared/zip/zip_checksums.hpp"
#include "mpi/query.hpp"
#include "restore/decode/file_decoder.hpp"
#include "restore/float_difference.hpp"
#include "restore/selection.hpp"
#include "restore/verify.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::restore {
namespace {

/// Buffers of kChunkBytes, as many as there are threads that use one at the same time.
class BufferPool {
 public:
  using Buffer = std::unique_ptr<std::byte[]>;
  Buffer take() {
    {
      const std::lock_guard lock(mutex_);
      if (!spare_.empty()) {
        auto buffer = std::move(spare_.back());
        spare_.pop_back();
        return buffer;
      }
    }
    return std::make_unique_for_overwrite<std::byte[]>(kChunkBytes);
  }
  void give_back(Buffer buffer) {
    const std::lock_guard lock(mutex_);
    spare_.push_back(std::move(buffer));
  }

 private:
  std::mutex mutex_;
  std::vector<Buffer> spare_;
};

/// Compares decoded files with the files of a tree.
class Comparer final : public FileVisitor {
 public:
  Comparer(const std::string& corpus, const std::vector<ArchivedFile>& files, VerifySummary& summary)
      : corpus_(corpus), files_(files), summary_(summary), originals_(files.size()) {}

  Result<void> begin(std::size_t index, const ArchivedFile&) override {
    auto original = std::make_unique<Original>();
    original->file = FileDescriptor(open_regular_file(corpus_ + "/" + files_[index].path));
    if (!original->file) return Error{errno_text(errno)};
    originals_[index] = std::move(original);
    return {};
  }

  Result<void> pieces(std::size_t index, std::span<const DecodedPiece> pieces) override {
    auto buffer = buffers_.take();
    auto outcome = compare(index, pieces, buffer.get());
    buffers_.give_back(std::move(buffer));
    return outcome;
  }

  void end(std::size_t index, const ArchivedFile&, const Result<void>& outcome) override {
    originals_[index].reset();
    if (outcome)
      summary_.count_good(files_[index].row);
    else
      summary_.differences.push_back({files_[index].path, outcome.error().message});
  }

 private:
  /// A file of the corpus.
  struct Original {
    FileDescriptor file;
    std::once_flag once;
    std::vector<formats::zip::ByteRange> checksums;  ///< where the container keeps CRCs; filled on first use
  };

  Result<void> compare(std::size_t index, std::span<const DecodedPiece> pieces, std::byte* buffer) {
    for (const auto& piece : pieces) {
      const std::span original(buffer, piece.bytes.size());
      ELVES_CHECK(pread_exactly(originals_[index]->file.get(), original, piece.offset_bytes));
      ELVES_TRY(const auto error, compare(index, piece, original));
      count(original.size(), error);
    }
    return {};
  }

  /// The largest error of a float. An Error where it is above the bound, or an exact piece differs.
  Result<double> compare(std::size_t index, const DecodedPiece& piece, std::span<const std::byte> original) {
    if (std::memcmp(original.data(), piece.bytes.data(), original.size()) == 0) return 0.0;
    if (piece.exact) {
      const auto at = first_difference(index, piece, original);
      if (at) return Error{fmt::format("content differs from byte {}", *at)};
      return 0.0;
    }
    const auto error = largest_difference(piece.dtype, original, piece.bytes);
    if (error <= piece.max_abs_error) return error;
    return Error{fmt::format("a lossy layer at byte {} is off by more than its recorded error", piece.offset_bytes)};
  }

  void count(std::size_t bytes, double error) {
    const std::lock_guard lock(mutex_);
    summary_.compared_bytes += bytes;
    summary_.max_abs_error = std::max(summary_.max_abs_error, error);
  }

  /// The first byte of the file that differs. In a file with lossy layers the CRCs of the container are not compared:
  /// the tree may have been restored, and then they were computed for the restored bytes.
  std::optional<std::uint64_t> first_difference(std::size_t index, const DecodedPiece& piece,
                                                std::span<const std::byte> original) {
    auto& file = *originals_[index];
    const auto& row = files_[index].row;
    if (row.loss_id != 0) {
      std::call_once(file.once, [&] {
        file.checksums = formats::zip::checksum_fields(formats::FileSource(file.file.get(), row.size_bytes));
      });
    }
    for (std::size_t i = 0; i < original.size(); ++i) {
      const auto at = piece.offset_bytes + i;
      if (original[i] != piece.bytes[i] && !is_checksum(file.checksums, at)) return at;
    }
    return std::nullopt;
  }

  static bool is_checksum(const std::vector<formats::zip::ByteRange>& checksums, std::uint64_t at) {
    const auto after = std::ranges::upper_bound(checksums, at, {}, &formats::zip::ByteRange::offset_bytes);
    return after != checksums.begin() && at - std::prev(after)->offset_bytes < std::prev(after)->size_bytes;
  }

  std::string corpus_;
  const std::vector<ArchivedFile>& files_;
  VerifySummary& summary_;
  std::vector<std::unique_ptr<Original>> originals_;  ///< by file, while it is compared
  BufferPool buffers_;
  std::mutex mutex_;  ///< guards compared_bytes and max_abs_error of the summary
};

std::string read_link(const std::string& path, std::uint64_t size) {
  std::string text(size + 1, '\0');
  const auto n = ::readlink(path.c_str(), text.data(), text.size());
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

/// Kind, size, mode and link target; content is compared later.
Result<void> compare_metadata(const ArchivedFile& file, const std::string& corpus) {
  const auto path = corpus + "/" + file.path;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0)
    return Error{fmt::format("is in the archive and not in the corpus ({})", errno_text(errno))};
  const auto kind = S_ISLNK(status.st_mode)   ? FileKind::Symlink
                    : S_ISDIR(status.st_mode) ? FileKind::Directory
                                              : FileKind::Regular;
  const auto expected = file.kind() == FileKind::Hardlink ? FileKind::Regular : file.kind();
  if (kind != expected || (!S_ISREG(status.st_mode) && kind == FileKind::Regular))
    return Error{"is of another kind in the corpus"};
  if (kind == FileKind::Symlink)
    return read_link(path, file.target.size()) == file.target ? Result<void>{}
                                                              : Error{"is a link to another place in the corpus"};
  if ((status.st_mode & 07777) != file.row.mode) return Error{"has another mode in the corpus"};
  if (kind == FileKind::Regular && static_cast<std::uint64_t>(status.st_size) != file.row.size_bytes)
    return Error{"has another size in the corpus"};
  if (file.kind() != FileKind::Hardlink) return {};
  struct stat first {};
  if (::lstat((corpus + "/" + file.target).c_str(), &first) != 0 || first.st_ino != status.st_ino ||
      first.st_dev != status.st_dev)
    return Error{fmt::format("is no hard link to {} in the corpus", printable(file.target))};
  return {};
}

/// Collective. Adds the paths of the walk that the archive does not have.
void find_unarchived(const mpi::Comm& comm, const KeyedHash& hash, const corpus::WalkResult& walked,
                     const std::vector<std::string>& archived, VerifySummary& summary) {
  const auto owner = [&](const Hash128& path) { return mpi::owner_of(path, comm); };
  std::vector<Hash128> rows;
  for (const auto& path : archived) rows.push_back(hash(path));
  std::unordered_set<Hash128> known;
  for (const auto& from_rank : mpi::send_to_owners(comm, rows, owner)) known.insert(from_rank.begin(), from_rank.end());
  std::vector<Hash128> requests;
  requests.reserve(walked.entries.size());
  for (const auto& entry : walked.entries) requests.push_back(hash(entry.path));
  const auto is_archived = mpi::query(comm, requests, owner, [&](const Hash128& path) { return known.contains(path); });
  for (std::size_t i = 0; i < walked.entries.size(); ++i) {
    if (is_archived[i] == 0)
      summary.differences.push_back({walked.entries[i].path, "is in the corpus and not in the archive"});
  }
}

}  // namespace

Result<void> check_corpus(const std::string& corpus) {
  const FileDescriptor folder(::open(corpus.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return Error{fmt::format("{}: {}", corpus, errno_text(errno))};
  return {};
}

VerifySummary verify_against(const mpi::Comm& comm, const archive::ArchiveDir& directory, const std::string& corpus,
                             int threads) {
  const auto walked = corpus::walk(comm, corpus, {});
  VerifySummary summary;
  archive::ShardSet shards(directory);
  std::vector<ArchivedFile> files;  // those with content, in the order of `contents`
  std::vector<archive::FileRef> contents;
  std::vector<std::string> paths;
  const auto selected = select_files(comm, directory, {});
  for (const auto& [ref, link] : selected.files) {
    auto file = read_file_row(shards, ref);
    if (!file) {
      summary.differences.push_back({archive::shard_name(ref.shard), file.error().message});
      continue;
    }
    ++summary.files;
    paths.push_back(file->path);
    if (auto same = compare_metadata(*file, corpus); !same) {
      summary.differences.push_back({file->path, same.error().message});
    } else if (has_content(file->kind())) {
      files.push_back(std::move(*file));
      contents.push_back(ref);
    }
  }
  Comparer comparer(corpus, files, summary);
  decode_files(shards, directory, contents, threads, comparer);
  find_unarchived(comm, KeyedHash(directory.identity.hash_secret), walked, paths, summary);
  for (const auto& problem : walked.problems) summary.differences.push_back(problem);
  summary.add_up(comm);
  return summary;
}

}  // namespace elves::restore
