#include "archive/file_history.hpp"

#include <algorithm>

#include "mpi/query.hpp"

namespace elves::archive {

/// Paths and what their rows say of them: all of an archive, or those that this rank owns.
class FileHistory::Paths {
 public:
  void add(const Evidence& evidence) {
    auto& path = paths_[evidence.path];
    if (evidence.kind == Evidence::Kind::Other) {
      path.last_other = std::max(path.last_other, evidence.last);
    } else {
      path.first_folder = std::min(path.first_folder, evidence.first);
      path.last_folder = std::max(path.last_folder, evidence.last);
    }
    if (evidence.kind != Evidence::Kind::Below) path.latest = std::max(path.latest, evidence.last);
  }

  /// Of a row, by its own path alone.
  RowState state(const Evidence& row) const {
    const auto& path = paths_.at(row.path);
    if (row.last < path.latest) return RowState::Superseded;
    const bool became_folder = row.kind == Evidence::Kind::Other && row.last < path.last_folder;
    return became_folder ? RowState::Former : RowState::Current;
  }

  std::vector<FormerFolder> former_folders() const {
    std::vector<FormerFolder> former;
    for (const auto& [path, versions] : paths_) {
      if (versions.first_folder < versions.last_other) former.push_back({path, versions.last_other});
    }
    return former;
  }

 private:
  /// Orders of the rows of one path; 0 and UINT64_MAX where there are none.
  struct Versions {
    std::uint64_t latest = 0;
    std::uint64_t last_other = 0;  ///< that is no folder
    std::uint64_t first_folder = UINT64_MAX;
    std::uint64_t last_folder = 0;
  };
  std::unordered_map<Hash128, Versions> paths_;
};

void FileTotals::add(RowState state, FileKind kind, std::uint64_t size_bytes) {
  if (kind == FileKind::Directory) return;
  const bool is_current = state == RowState::Current;
  ++(is_current ? current_files : superseded_files);
  if (kind == FileKind::Regular) (is_current ? current_bytes : superseded_bytes) += size_bytes;
}

FileTotals FileTotals::sum(const mpi::Comm& comm) const {
  const auto sums =
      comm.sum(std::vector<std::uint64_t>{current_files, current_bytes, superseded_files, superseded_bytes});
  return {sums[0], sums[1], sums[2], sums[3]};
}

void FileHistory::add(std::string_view path, FileKind kind, std::uint64_t order, std::uint64_t size_bytes) {
  const auto slash = path.rfind('/');
  const auto folder = slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
  if (folder != last_folder_) {
    last_hash_ = folder.empty() ? kRoot : enter(folder);
    last_folder_ = folder;
  }
  if (last_hash_ != kRoot) {
    auto& in = folders_[last_hash_];
    in.first = std::min(in.first, order);
    in.last = std::max(in.last, order);
  }
  rows_.push_back({hash_(path), last_hash_, order, size_bytes, kind});
}

Hash128 FileHistory::enter(std::string_view folder) {
  const auto hash = hash_(folder);
  if (folders_.contains(hash)) return hash;
  const auto slash = folder.rfind('/');
  const auto parent = slash == std::string_view::npos || slash == 0 ? kRoot : enter(folder.substr(0, slash));
  folders_.emplace(hash, Folder{.parent = parent});
  return hash;
}

std::vector<FileHistory::Evidence> FileHistory::evidence() const {
  std::vector<Evidence> all;
  all.reserve(rows_.size() + folders_.size());
  for (const auto& row : rows_) {
    const auto kind = row.kind == FileKind::Directory ? Evidence::Kind::Folder : Evidence::Kind::Other;
    all.push_back({row.path, row.order, row.order, kind});
  }
  std::unordered_map<Hash128, Folder> whole;  // with the rows of their folders, at any depth
  for (const auto& [path, folder] : folders_) {
    if (folder.last == 0) continue;
    for (auto above = path; above != kRoot; above = folders_.at(above).parent) {
      auto& sum = whole[above];
      sum.first = std::min(sum.first, folder.first);
      sum.last = std::max(sum.last, folder.last);
    }
  }
  for (const auto& [path, folder] : whole) all.push_back({path, folder.first, folder.last, Evidence::Kind::Below});
  return all;
}

std::vector<RowState> FileHistory::with_former_folders(std::vector<RowState> by_path,
                                                       std::span<const FormerFolder> former) const {
  by_path.resize(rows_.size());
  if (former.empty()) return by_path;
  std::unordered_map<Hash128, std::uint64_t> since;
  for (const auto& folder : former) since[folder.path] = folder.since;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (by_path[i] != RowState::Current) continue;
    for (auto folder = rows_[i].folder; folder != kRoot; folder = folders_.at(folder).parent) {
      const auto at = since.find(folder);
      if (at != since.end() && rows_[i].order < at->second) by_path[i] = RowState::Former;
    }
  }
  return by_path;
}

std::vector<RowState> FileHistory::states() const {
  const auto all = evidence();
  Paths paths;
  for (const auto& one : all) paths.add(one);
  std::vector<RowState> states;
  for (std::size_t i = 0; i < rows_.size(); ++i) states.push_back(paths.state(all[i]));
  return with_former_folders(std::move(states), paths.former_folders());
}

std::vector<RowState> FileHistory::states(const mpi::Comm& comm) const {
  Paths owned;
  const auto answer = [&](const mpi::PerRank<Evidence>& requests) {
    for (const auto& from_rank : requests) {
      for (const auto& one : from_rank) owned.add(one);
    }
    mpi::PerRank<RowState> replies(requests.size());
    for (std::size_t r = 0; r < requests.size(); ++r) {
      for (const auto& one : requests[r])
        replies[r].push_back(one.kind == Evidence::Kind::Below ? RowState{} : owned.state(one));
    }
    return replies;
  };
  const auto owner = [&](const Evidence& one) { return mpi::owner_of(one.path, comm); };
  auto states = mpi::query_all(comm, evidence(), owner, answer);
  std::vector<FormerFolder> former;
  const mpi::PerRank<FormerFolder> mine(static_cast<std::size_t>(comm.size()), owned.former_folders());
  for (const auto& from_rank : comm.alltoallv(mine)) former.insert(former.end(), from_rank.begin(), from_rank.end());
  return with_former_folders(std::move(states), former);
}

FileTotals FileHistory::totals(std::span<const RowState> states) const {
  FileTotals totals;
  for (std::size_t i = 0; i < rows_.size(); ++i) totals.add(states[i], rows_[i].kind, rows_[i].size_bytes);
  return totals;
}

}  // namespace elves::archive
