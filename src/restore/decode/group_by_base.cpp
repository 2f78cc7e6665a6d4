#include "restore/decode/group_by_base.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "support/layer_ref.hpp"

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

/// Calls body(file, place of a layer) for all layers of all files.
template <class Body>
void for_each_layer(archive::ShardSet& shards, std::span<const archive::FileRef> files, Body body) {
  for (std::size_t f = 0; f < files.size(); ++f) {
    auto shard = shards.at(files[f].shard);
    const auto file = shard ? (*shard)->file(files[f].row) : Result<archive::FileRow>(shard.error());
    for (std::uint64_t e = 0; file && e < file->n_extents; ++e) {
      const auto extent = (*shard)->extent(file->first_extent + e);
      if (!extent) break;
      if (extent->is_layer != 0) body(f, LayerRef{extent->layer_shard, extent->layer_row});
    }
  }
}

class Families {
 public:
  explicit Families(std::size_t n_files) : sets_(n_files), first_base_(n_files, kNone) {}

  void add(archive::ShardSet& shards, std::span<const archive::FileRef> files) {
    for_each_layer(shards, files, [&](std::size_t file, const LayerRef& layer) {
      auto shard = shards.at(layer.shard);
      const auto row = shard ? (*shard)->layer(layer.row) : Result<archive::LayerRow>(shard.error());
      if (row && row->base_shard != archive::kNoShard) touch(file, {row->base_shard, row->base_row}, true);
    });
    if (bases_.empty()) return;
    for_each_layer(shards, files, [&](std::size_t file, const LayerRef& layer) { touch(file, layer, false); });
  }

  std::vector<FileGroup> groups(std::size_t most_files) {
    std::map<std::size_t, FileGroup> families;  // by first file
    for (std::size_t f = 0; f < first_base_.size(); ++f) families[sets_.find(f)].push_back(f);
    std::vector<FileGroup> groups;
    for (auto& [first, family] : families) {
      // Where a family is too large for a group, files with the same bases still come together.
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

  void touch(std::size_t file, const LayerRef& base, bool rests) {
    const auto at = rests ? bases_.try_emplace(base, file).first : bases_.find(base);
    if (at == bases_.end()) return;
    sets_.unite(at->second, file);
    first_base_[file] = std::min(first_base_[file], base);
  }

  FileSets sets_;
  std::vector<LayerRef> first_base_;       ///< of each file: the first that it has or rests on
  std::map<LayerRef, std::size_t> bases_;  ///< and a file that rests on it
};

}  // namespace

std::vector<FileGroup> group_by_base(archive::ShardSet& shards, std::span<const archive::FileRef> files,
                                     std::size_t most_files) {
  Families families(files.size());
  families.add(shards, files);
  return families.groups(most_files);
}

}  // namespace elves::restore
