#include "restore/decode/group_by_base.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "archive/file_extents.hpp"
#include "support/layer_ref.hpp"
#include "support/try.hpp"

namespace elves::restore {
namespace {

/// Sets of files; each is named by its first file.
class FileSets {
 public:
  explicit FileSets(std::size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), std::size_t{0}); }

  std::size_t find(std::size_t file) {
    while (parent_[file] != file) file = parent_[file] = parent_[parent_[file]];
    return file;
  }
  void unite(std::size_t a, std::size_t b) {
    a = find(a);
    b = find(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::size_t> parent_;
};

Result<std::vector<archive::FileExtent>> read_extents(archive::ShardSet& shards, const archive::FileRef& ref) {
  ELVES_TRY(const auto shard, shards.at(ref.shard));
  ELVES_TRY(const auto file, shard->file(ref.row));
  return archive::extents_of(shards, ref.shard, file);
}

/// Calls body(place of the file, extent) for all extents of all files that can be read, without glue.
template <class Body>
void for_each_layer(archive::ShardSet& shards, std::span<const archive::FileRef> files, Body body) {
  for (std::size_t f = 0; f < files.size(); ++f) {
    const auto extents = read_extents(shards, files[f]);
    if (!extents) continue;
    for (const auto& extent : *extents) {
      if (extent.extent.is_layer != 0) body(f, extent);
    }
  }
}

class Grouping {
 public:
  explicit Grouping(std::size_t n_files) : sets_(n_files), first_base_(n_files, kNone) {}

  void add(archive::ShardSet& shards, std::span<const archive::FileRef> files) {
    for_each_layer(shards, files, [&](std::size_t file, const archive::FileExtent& extent) {
      if (extent.layer.base_shard == archive::kNoShard) return;
      const LayerRef base{extent.layer.base_shard, extent.layer.base_row};
      join(file, base, bases_.try_emplace(base, file).first->second);
    });
    if (bases_.empty()) return;
    for_each_layer(shards, files, [&](std::size_t file, const archive::FileExtent& extent) {
      if (const auto at = bases_.find(extent.place()); at != bases_.end()) join(file, at->first, at->second);
    });
  }

  std::vector<FileGroup> groups(std::size_t most_files) {
    std::map<std::size_t, FileGroup> families;  // by first file
    for (std::size_t f = 0; f < first_base_.size(); ++f) families[sets_.find(f)].push_back(f);
    std::vector<FileGroup> groups;
    for (auto& [first, family] : families) {
      // A family that is too large for one group: files with the same bases still lie side by side.
      std::ranges::stable_sort(family, {}, [&](std::size_t file) { return first_base_[file]; });
      for (std::size_t at = 0; at < family.size(); at += most_files) {
        const auto begin = family.begin() + static_cast<std::ptrdiff_t>(at);
        const auto n = std::min(most_files, family.size() - at);
        groups.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(n));
      }
    }
    return groups;
  }

 private:
  static constexpr LayerRef kNone{archive::kNoShard, 0};

  /// `other`: a file with a delta of the base.
  void join(std::size_t file, const LayerRef& base, std::size_t other) {
    sets_.unite(other, file);
    first_base_[file] = std::min(first_base_[file], base);
  }

  FileSets sets_;
  std::vector<LayerRef> first_base_;       ///< of each file: the first base among its layers and those of its deltas
  std::map<LayerRef, std::size_t> bases_;  ///< each with a file that has a delta of it
};

}  // namespace

std::vector<FileGroup> group_by_base(archive::ShardSet& shards, std::span<const archive::FileRef> files,
                                     std::size_t most_files) {
  Grouping grouping(files.size());
  grouping.add(shards, files);
  return grouping.groups(most_files);
}

}  // namespace elves::restore
