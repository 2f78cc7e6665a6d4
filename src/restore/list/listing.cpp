#include "restore/list/listing.hpp"

#include <algorithm>
#include <functional>
#include <map>

#include "archive/shard_reader.hpp"
#include "elves/codec.hpp"
#include "formats/format.hpp"
#include "restore/decode/file_decoder.hpp"
#include "restore/list/base_of_model.hpp"
#include "restore/list/base_origins.hpp"
#include "support/glob.hpp"

namespace elves::restore {
namespace {

std::string kind_name(FileKind kind) {
  switch (kind) {
    case FileKind::Regular:
      return "file";
    case FileKind::Symlink:
      return "symlink";
    case FileKind::Hardlink:
      return "hardlink";
    case FileKind::Directory:
      return "directory";
  }
  return "unknown";
}

using Place = std::pair<std::uint32_t, std::uint64_t>;  // shard, row

class Lister {
 public:
  Lister(const archive::Directory& directory, const ListOptions& options)
      : directory_(directory), options_(options), shards_(directory) {}

  Result<std::vector<ListedFile>> run() {
    if (!directory_.missing().empty())
      return Error{directory_.path + ": " + archive::shard_name(directory_.missing().front()) + " is missing"};
    for (const auto shard : directory_.shards) {
      if (auto found = find_latest(shard); !found) return found.error();
    }
    auto bases = name_bases(directory_, shards_);
    if (!bases) return bases.error();
    bases_ = std::move(*bases);
    // In order of shard and row: who brought a layer first is charged with it.
    std::vector<std::pair<Place, std::string>> order;
    for (const auto& [path, place] : latest_) order.emplace_back(place, path);
    std::sort(order.begin(), order.end());
    std::vector<ListedFile> files;
    for (const auto& [place, path] : order) {
      auto file = list(place);
      if (!file) return file.error();
      if (wanted(file->model)) files.push_back(std::move(*file));
    }
    std::sort(files.begin(), files.end(), [](const ListedFile& a, const ListedFile& b) { return a.path < b.path; });
    return files;
  }

 private:
  bool wanted(const std::string& model) const {
    return options_.model.empty() || options_.model == model || glob_match(options_.model, model);
  }

  Result<void> find_latest(std::uint32_t shard) {
    auto reader = shards_.at(shard);
    if (!reader) return reader.error();
    for (std::uint64_t row = 0; row < (*reader)->rows(archive::FileRow::kTable); ++row) {
      const auto file = (*reader)->file(row);
      if (!file) return file.error();
      auto path = (*reader)->path(*file);
      if (!path) return path.error();
      latest_[std::move(*path)] = {shard, row};
    }
    return {};
  }

  Result<ListedFile> list(const Place& place) {
    const auto file = read_file_row(shards_, {place.first, 0, place.second, 0});
    if (!file) return file.error();
    auto reader = shards_.at(place.first);
    const auto model = (*reader)->model(file->row.model);
    if (!model) return model.error();
    const auto id = (*reader)->names(model->id_offset, model->id_bytes);
    if (!id) return id.error();
    ListedFile listed;
    listed.path = file->path;
    listed.model = *id;
    listed.kind = kind_name(file->kind());
    listed.container = formats::name(static_cast<formats::ContainerId>(file->row.container));
    listed.target = file->target;
    listed.size_bytes = file->row.size_bytes;
    listed.sweep = (*reader)->sweep();
    listed.exact = file->row.loss_id == 0;
    // A further name of a file has the layers of the first: told once.
    const auto n_extents = file->kind() == FileKind::Hardlink ? 0 : file->row.n_extents;
    for (std::uint64_t e = 0; e < n_extents; ++e) {
      if (auto added = add_extent(**reader, file->row.first_extent + e, listed); !added) return added.error();
    }
    return listed;
  }

  Result<void> add_extent(archive::ShardReader& reader, std::uint64_t row, ListedFile& file) {
    const auto extent = reader.extent(row);
    if (!extent) return extent.error();
    auto shard = shards_.at(extent->layer_shard);
    if (!shard) return shard.error();
    const auto layer = (*shard)->layer(extent->layer_row);
    if (!layer) return layer.error();
    const auto counted = stored_bytes(**shard, *layer);
    if (!counted) return counted.error();
    const auto stored = *counted;
    const auto& [owner, is_new] = charged_.try_emplace({extent->layer_shard, extent->layer_row}, number_of(file.model));
    if (is_new) file.stored_bytes += stored;
    if (extent->is_layer == 0) return {};
    add_kin(*layer, stored, is_new, models_[owner->second], file);
    if (extent->part == 0) ++file.n_layers;
    if (!options_.with_layers || !wanted(file.model)) return {};
    if (extent->part > 0 && !file.layers.empty()) {
      auto& whole = file.layers.back();
      whole.size_bytes += layer->size_bytes;
      whole.stored_bytes += stored;
      whole.max_abs_error = std::max(whole.max_abs_error, +layer->max_abs_error);
      if (!whole.base) whole.base = base_of(*layer);
      return {};
    }
    const auto name_text = reader.names(extent->name_offset, extent->name_bytes);
    const auto shape = reader.shape(extent->name_offset + extent->name_bytes, extent->ndim);
    if (!name_text) return name_text.error();
    if (!shape) return shape.error();
    const auto dtype = dtype_from_number(extent->dtype);
    file.layers.push_back({*name_text, std::string(dtype ? name(*dtype) : "unknown"), *shape, layer->size_bytes, stored,
                           std::string(name(static_cast<TransformId>(layer->transform))), layer->max_abs_error,
                           base_of(*layer)});
    return {};
  }

  std::optional<ListedBase> base_of(const archive::LayerRow& layer) const {
    if (layer.base_shard == archive::kNoShard) return std::nullopt;
    const LayerRef place{layer.base_shard, layer.base_row};
    const auto& base = bases_.at(place);
    return ListedBase{place, base.model, base.layer};
  }

  /// `owner`: the model that brought the layer.
  void add_kin(const archive::LayerRow& layer, std::uint64_t stored, bool is_new, const std::string& owner,
               ListedFile& file) {
    file.layer_bytes += layer.size_bytes;
    if (!is_new) {
      file.duplicate_bytes += layer.size_bytes;
      if (owner != file.model) file.kin[owner].add({.model = owner, .copied_bytes = layer.size_bytes});
      return;
    }
    const auto dtype = dtype_from_number(layer.dtype);
    if (layer.base_shard == archive::kNoShard || !dtype) return;
    const auto& base = bases_.at({layer.base_shard, layer.base_row});
    file.kin[base.model].add({.model = base.model,
                              .n_layers = 1,
                              .n_elements = layer.size_bytes / size_bytes(*dtype) * block_elements(*dtype),
                              .size_bytes = layer.size_bytes,
                              .stored_bytes = stored,
                              .standalone_bytes = layer.standalone_bytes});
  }

  std::size_t number_of(const std::string& model) {
    const auto [at, added] = model_numbers_.try_emplace(model, models_.size());
    if (added) models_.push_back(model);
    return at->second;
  }

  const archive::Directory& directory_;
  ListOptions options_;
  archive::ShardSet shards_;
  std::map<std::string, Place> latest_;
  std::map<LayerRef, NamedBase> bases_;
  std::map<LayerRef, std::size_t> charged_;  ///< layer -> the model that brought it
  std::map<std::string, std::size_t> model_numbers_;
  std::vector<std::string> models_;
};

}  // namespace

void ListedKin::add(const ListedKin& other) {
  model = other.model;
  n_layers += other.n_layers;
  n_elements += other.n_elements;
  size_bytes += other.size_bytes;
  stored_bytes += other.stored_bytes;
  standalone_bytes += other.standalone_bytes;
  copied_bytes += other.copied_bytes;
}

std::uint64_t ListedModel::difference_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& other : kin) bytes += other.model == id ? 0 : other.size_bytes;
  return bytes;
}

std::int64_t ListedModel::saved_bytes() const {
  std::int64_t bytes = 0;
  for (const auto& other : kin) bytes += other.model == id ? 0 : other.saved_bytes();
  return bytes;
}

const ListedKin* ListedModel::base() const {
  std::vector<BaseShare> shares;
  for (const auto& other : kin) shares.push_back({other.model, other.size_bytes});
  const auto base = base_of_model(id, size_bytes, shares);
  if (base.empty()) return nullptr;
  return &*std::ranges::find(kin, base, &ListedKin::model);
}

const ListedKin* ListedModel::original() const {
  const ListedKin* most = nullptr;
  for (const auto& other : kin) {
    if (other.model == id || other.model.empty()) continue;
    if (most == nullptr || other.copied_bytes > most->copied_bytes) most = &other;
  }
  return most != nullptr && most->copied_bytes > layer_bytes / 2 ? most : nullptr;
}

Result<std::vector<ListedFile>> list_files(const archive::Directory& directory, const ListOptions& options) {
  return Lister(directory, options).run();
}

std::vector<ListedModel> sum_by_model(const std::vector<ListedFile>& files) {
  std::map<std::string, ListedModel> models;
  std::map<std::string, std::map<std::string, ListedKin>> kin;
  for (const auto& file : files) {
    if (file.kind == "directory") continue;
    auto& model = models[file.model];
    model.id = file.model;
    ++model.n_files;
    model.n_layers += file.n_layers;
    if (file.kind != "hardlink") model.size_bytes += file.size_bytes;
    model.stored_bytes += file.stored_bytes;
    model.layer_bytes += file.layer_bytes;
    model.duplicate_bytes += file.duplicate_bytes;
    for (const auto& [id, other] : file.kin) kin[file.model][id].add(other);
  }
  std::vector<ListedModel> sums;
  for (auto& [id, model] : models) {
    for (auto& [other, taken] : kin[id]) model.kin.push_back(std::move(taken));
    std::ranges::stable_sort(model.kin, std::greater{}, &ListedKin::taken_bytes);
    sums.push_back(std::move(model));
  }
  return sums;
}

}  // namespace elves::restore
