#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mpi/comm.hpp"
#include "support/file_kind.hpp"
#include "support/hash.hpp"

namespace elves::archive {

enum class RowState : std::uint8_t {
  Current,     ///< what the archive holds at this path now
  Former,      ///< the latest version of a path that is no more: something else has its place, or that of its folder
  Superseded,  ///< a later version of the path exists
};

/// Sizes of the versions that an archive holds. Bytes are those of regular files, so that a file with several hard
/// links counts once; folders are not counted.
struct FileTotals {
  std::uint64_t current_files = 0;
  std::uint64_t current_bytes = 0;
  std::uint64_t superseded_files = 0;  ///< versions that are not current, former ones too
  std::uint64_t superseded_bytes = 0;

  void add(RowState state, FileKind kind, std::uint64_t size_bytes);
  /// Collective. Sums over all ranks.
  FileTotals sum(const mpi::Comm& comm) const;
  bool operator==(const FileTotals&) const = default;
};

/// Decides which rows of /files are current. A row is current unless a later row
///   * has the same path, or
///   * is no folder and has the path of one of its parent folders, or
///   * lies below its path, where the row itself is no folder.
/// All that lists, restores, compares or archives files asks here. Each rank adds the rows of the shards that it reads.
/// Memory: 64 bytes a row, and about 80 bytes a folder.
class FileHistory {
 public:
  explicit FileHistory(const KeyedHash& hash) : hash_(hash) {}

  /// A row of /files; `order` as order_of() gives it. `size_bytes`: for totals().
  void add(std::string_view path, FileKind kind, std::uint64_t order, std::uint64_t size_bytes = 0);

  /// The states of the rows, in the order of add(), where all rows were added here.
  std::vector<RowState> states() const;
  /// Collective. The states of this rank's rows, in the order of add(). 40 bytes a row and a folder cross the network,
  /// and 1 byte a row on the way back.
  std::vector<RowState> states(const mpi::Comm& comm) const;

  /// Totals of this rank's rows with these states.
  FileTotals totals(std::span<const RowState> states) const;

  std::size_t size() const noexcept { return rows_.size(); }
  const Hash128& path(std::size_t row) const { return rows_[row].path; }
  /// True where one of the row's parent folders is among `folders` (keyed hashes of paths). For unordered containers.
  template <class Folders>
  bool is_below(std::size_t row, const Folders& folders) const {
    for (auto folder = rows_[row].folder; folder != kRoot; folder = folders_.at(folder).parent) {
      if (folders.contains(folder)) return true;
    }
    return false;
  }

 private:
  static constexpr Hash128 kRoot{};

  struct Row {
    Hash128 path;
    Hash128 folder;  ///< kRoot: none
    std::uint64_t order = 0;
    std::uint64_t size_bytes = 0;
    FileKind kind = FileKind::Regular;
  };
  struct Folder {
    Hash128 parent;
    std::uint64_t first = UINT64_MAX;  ///< order of the first and of the last row that lies directly in it
    std::uint64_t last = 0;
  };
  /// What a row says of its path, or the rows below it of a folder.
  struct Evidence {
    enum class Kind : std::uint64_t { Below, Folder, Other };
    Hash128 path;
    std::uint64_t first = 0;  ///< orders of these rows
    std::uint64_t last = 0;
    Kind kind = Kind::Below;
  };
  /// A path that was a folder before the row of order `since`, which is none.
  struct FormerFolder {
    Hash128 path;
    std::uint64_t since = 0;
  };
  class Paths;

  Hash128 enter(std::string_view folder);
  /// Of the rows in their order, then of the folders.
  std::vector<Evidence> evidence() const;
  std::vector<RowState> with_former_folders(std::vector<RowState> by_path, std::span<const FormerFolder> former) const;

  KeyedHash hash_;
  std::vector<Row> rows_;
  std::unordered_map<Hash128, Folder> folders_;
  std::string last_folder_;  ///< rows come folder by folder
  Hash128 last_hash_ = kRoot;
};

}  // namespace elves::archive
