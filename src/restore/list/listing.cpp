#include "restore/list/listing.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "archive/file_ref.hpp"
#include "archive/shard_reader.hpp"
#include "elves/codec.hpp"
#include "formats/registry.hpp"
#include "restore/decode/file_decoder.hpp"
#include "restore/list/base_of_model.hpp"
#include "restore/list/base_origins.hpp"
#include "restore/model_match.hpp"
#include "support/glob.hpp"
#include "support/link_target.hpp"
#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::restore {
namespace {

using archive::FileRow;
using archive::RowState;

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

/// A row of /files, and whether it is to be listed.
struct Entry {
  archive::FileRef ref;
  std::string path;
  std::size_t model = 0;
  FileKind kind = FileKind::Regular;
  RowState state = RowState::Current;
  bool wanted = false;
};

/// All rows of /files, in order of shard and row.
struct Entries {
  std::vector<Entry> rows;
  std::vector<std::string> models;
  archive::FileTotals totals;
};

Result<Entries> read_entries(const archive::ArchiveDir& directory, archive::ShardSet& shards) {
  Entries entries;
  archive::FileHistory history(KeyedHash(directory.identity.hash_secret));
  std::unordered_map<std::string, std::size_t> numbers;
  for (const auto number : directory.shards) {
    ELVES_TRY(const auto shard, shards.at(number));
    for (std::uint64_t row = 0; row < shard->rows(FileRow::kTable); ++row) {
      ELVES_TRY(const auto file, shard->file(row));
      ELVES_TRY(auto path, shard->path(file));
      ELVES_TRY(const auto model, shard->model_id(file));
      const auto [at, is_new] = numbers.try_emplace(model, entries.models.size());
      if (is_new) entries.models.push_back(model);
      const auto kind = static_cast<FileKind>(file.kind);
      history.add(path, kind, archive::order_of(number, row), file.size_bytes);
      entries.rows.push_back({{number, 0, row, file.size_bytes}, std::move(path), at->second, kind});
    }
  }
  const auto states = history.states();
  for (std::size_t i = 0; i < states.size(); ++i) entries.rows[i].state = states[i];
  entries.totals = history.totals(states);
  return entries;
}

/// Adds what the symbolic links among the wanted rows lead to.
class LinkTargets {
 public:
  LinkTargets(archive::ShardSet& shards, Entries& entries) : shards_(shards), entries_(entries) {
    for (std::size_t i = 0; i < entries.rows.size(); ++i) {
      if (entries.rows[i].state == RowState::Current) by_path_.emplace(entries.rows[i].path, i);
    }
  }

  Result<void> add() {
    for (std::size_t i = 0; i < entries_.rows.size(); ++i) {
      if (entries_.rows[i].wanted) ELVES_CHECK(follow(i, ""));
    }
    while (!paths_.empty()) {
      const auto path = std::move(paths_.back());
      paths_.pop_back();
      ELVES_CHECK(want(path));
    }
    return {};
  }

 private:
  /// Where the link of a row leads, and `rest` from there. Circles of links may make paths longer: no path is that
  /// long.
  Result<void> follow(std::size_t i, std::string_view rest) {
    if (entries_.rows[i].kind != FileKind::Symlink) return {};
    ELVES_TRY(const auto file, read_file_row(shards_, entries_.rows[i].ref));
    const auto target = link_target(file.path, file.target + std::string(rest));
    constexpr std::size_t kLongest = 4096;
    if (target && target->size() <= kLongest && seen_.insert(*target).second) paths_.push_back(*target);
    return {};
  }

  Result<void> want(const std::string& path) {
    const auto at = by_path_.find(path);
    const auto below = path + "/";
    const auto first = by_path_.lower_bound(below);
    const bool is_folder = first != by_path_.end() && first->first.starts_with(below);
    if (at == by_path_.end() && !is_folder) return go_through(path);
    if (at != by_path_.end()) ELVES_CHECK(take(at->second));
    for (auto in = first; in != by_path_.end() && in->first.starts_with(below); ++in) ELVES_CHECK(take(in->second));
    return {};
  }

  Result<void> take(std::size_t i) {
    if (std::exchange(entries_.rows[i].wanted, true)) return {};
    return follow(i, "");
  }

  /// One of the path's folders may be a link.
  Result<void> go_through(const std::string& path) {
    for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      const auto at = by_path_.find(path.substr(0, slash));
      if (at == by_path_.end() || entries_.rows[at->second].kind != FileKind::Symlink) continue;
      entries_.rows[at->second].wanted = true;
      return follow(at->second, std::string_view(path).substr(slash));
    }
    return {};
  }

  archive::ShardSet& shards_;
  Entries& entries_;
  std::map<std::string, std::size_t> by_path_;
  std::vector<std::string> paths_;
  std::unordered_set<std::string> seen_;
};

/// Marks the rows that a name means.
class Names {
 public:
  Names(const std::string& name, bool all_versions, Entries& entries)
      : name_(name), all_versions_(all_versions), entries_(entries) {}

  Result<void> mark() {
    if (name_.empty()) {
      mark_if([](const Entry&) { return true; });
      return {};
    }
    auto best = ModelMatch::None;
    for (const auto& id : entries_.models) best = std::max(best, match_model(name_, id));
    if (best == ModelMatch::None) {
      if (mark_if([&](const Entry& entry) { return name_ == entry.path || glob_match(name_, entry.path); })) return {};
      return nothing();
    }
    std::set<std::string> ids;
    for (const auto& id : entries_.models) {
      if (match_model(name_, id) == best) ids.insert(id);
    }
    if (best == ModelMatch::Name && ids.size() > 1) return Error{several_models(name_, ids)};
    mark_if([&](const Entry& entry) { return ids.contains(entries_.models[entry.model]); });
    return {};
  }

 private:
  /// The current rows that match; where there are none and the name is no glob, the former ones. True where any is.
  template <class Match>
  bool mark_if(Match match) {
    const auto mark = [&](auto wanted_state) {
      bool any = false;
      for (auto& entry : entries_.rows) {
        if (!wanted_state(entry.state) || !match(entry)) continue;
        entry.wanted = true;
        any = true;
      }
      return any;
    };
    if (all_versions_) return mark([](RowState) { return true; });
    return mark([](RowState state) { return state == RowState::Current; }) ||
           (!is_glob(name_) && !name_.empty() && mark([](RowState state) { return state == RowState::Former; }));
  }

  Error nothing() const {
    std::vector<std::string> names = entries_.models;
    for (const auto& entry : entries_.rows) {
      if (equal_but_for_case(entry.path, name_)) names.push_back(entry.path);
    }
    return Error{fmt::format("no model and no path '{}'{}", name_, did_you_mean(similar_names(name_, names)))};
  }

  const std::string& name_;
  bool all_versions_;
  Entries& entries_;
};

class Lister {
 public:
  Lister(const archive::ArchiveDir& directory, const ListOptions& options)
      : directory_(directory), options_(options), shards_(directory) {}

  Result<Listing> run() {
    ELVES_TRY(auto entries, read_entries(directory_, shards_));
    entries_ = std::move(entries);
    ELVES_CHECK(Names(options_.name, options_.all_versions, entries_).mark());
    if (!options_.name.empty()) ELVES_CHECK(LinkTargets(shards_, entries_).add());
    ELVES_TRY(auto bases, name_bases(directory_, shards_));
    bases_ = std::move(bases);
    Listing listing;
    listing.totals = entries_.totals;
    listing.archive_bytes = archive::bytes_on_disk(directory_.path);
    for (const bool current : {true, false}) {  // what a current file has is charged to one
      for (const auto& entry : entries_.rows) {
        if ((entry.state == RowState::Current) != current || !(current || entry.wanted)) continue;
        ELVES_TRY(auto file, list(entry));
        if (entry.wanted) listing.files.push_back(std::move(file));
      }
    }
    std::ranges::stable_sort(listing.files, {}, [](const ListedFile& file) { return std::tie(file.path, file.sweep); });
    return listing;
  }

 private:
  bool is_missing(std::uint32_t shard) const { return !std::ranges::binary_search(directory_.shards, shard); }

  Result<ListedFile> list(const Entry& entry) {
    ELVES_TRY(const auto file, read_file_row(shards_, entry.ref));
    ELVES_TRY(const auto reader, shards_.at(entry.ref.shard));
    ListedFile listed;
    listed.path = file.path;
    listed.model = entries_.models[entry.model];
    listed.kind = kind_name(file.kind());
    listed.container = formats::name(static_cast<formats::FormatId>(file.row.container));
    listed.target = file.target;
    listed.state = entry.state;
    listed.size_bytes = file.row.size_bytes;
    listed.sweep = reader->sweep();
    listed.exact = file.row.loss_id == 0;
    // A further name of a file has the layers of the first: they are listed once.
    const auto n_extents = file.kind() == FileKind::Hardlink ? 0 : file.row.n_extents;
    for (std::uint64_t e = 0; e < n_extents; ++e)
      ELVES_CHECK(add_extent(*reader, file.row.first_extent + e, entry.wanted, listed));
    return listed;
  }

  Result<void> add_extent(archive::ShardReader& reader, std::uint64_t row, bool wanted, ListedFile& file) {
    ELVES_TRY(const auto extent, reader.extent(row));
    if (is_missing(extent.layer_shard)) {
      file.is_incomplete = true;
      return {};
    }
    ELVES_TRY(const auto shard, shards_.at(extent.layer_shard));
    ELVES_TRY(const auto layer, shard->layer(extent.layer_row));
    ELVES_TRY(const auto stored, stored_bytes(*shard, layer));
    file.is_incomplete |= layer.base_shard != archive::kNoShard && is_missing(layer.base_shard);
    const auto [owner, is_new] = owners_.try_emplace({extent.layer_shard, extent.layer_row}, number_of(file.model));
    if (is_new) file.stored_bytes += stored;
    if (extent.is_layer == 0) return {};
    add_relative(layer, stored, is_new, models_[owner->second], file);
    if (extent.part == 0) ++file.n_layers;
    if (options_.with_layers && wanted) return add_layer(reader, extent, layer, stored, file);
    return {};
  }

  Result<void> add_layer(archive::ShardReader& reader, const archive::ExtentRow& extent, const archive::LayerRow& layer,
                         std::uint64_t stored, ListedFile& file) {
    if (extent.part > 0 && !file.layers.empty()) {
      auto& whole = file.layers.back();
      whole.size_bytes += layer.size_bytes;
      whole.stored_bytes += stored;
      whole.max_abs_error = std::max(whole.max_abs_error, +layer.max_abs_error);
      if (!whole.base) whole.base = base_of(layer);
      return {};
    }
    ELVES_TRY(const auto layer_name, reader.names(extent.name_offset, extent.name_bytes));
    ELVES_TRY(const auto shape, reader.shape(extent.name_offset + extent.name_bytes, extent.ndim));
    const auto dtype = dtype_from_number(extent.dtype);
    file.layers.push_back({layer_name, std::string(dtype ? name(*dtype) : "unknown"), shape, layer.size_bytes, stored,
                           std::string(name(static_cast<TransformId>(layer.transform))), layer.max_abs_error,
                           base_of(layer)});
    return {};
  }

  std::optional<ListedBase> base_of(const archive::LayerRow& layer) const {
    if (layer.base_shard == archive::kNoShard) return std::nullopt;
    const LayerRef place{layer.base_shard, layer.base_row};
    const auto& base = bases_.at(place);
    return ListedBase{place, base.model, base.layer};
  }

  /// `owner`: the model that stored the layer first.
  void add_relative(const archive::LayerRow& layer, std::uint64_t stored, bool is_new, const std::string& owner,
                    ListedFile& file) {
    file.layer_bytes += layer.size_bytes;
    if (!is_new) {
      file.duplicate_bytes += layer.size_bytes;
      if (owner != file.model) file.relatives[owner].add({.model = owner, .duplicate_bytes = layer.size_bytes});
      return;
    }
    const auto dtype = dtype_from_number(layer.dtype);
    if (layer.base_shard == archive::kNoShard || !dtype) return;
    const auto& base = bases_.at({layer.base_shard, layer.base_row});
    file.relatives[base.model].add({.model = base.model,
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

  const archive::ArchiveDir& directory_;
  ListOptions options_;
  archive::ShardSet shards_;
  Entries entries_;
  std::map<LayerRef, NamedBase> bases_;
  std::map<LayerRef, std::size_t> owners_;  ///< layer -> number of the model that is charged with it
  std::map<std::string, std::size_t> model_numbers_;
  std::vector<std::string> models_;
};

}  // namespace

void Relative::add(const Relative& other) {
  model = other.model;
  n_layers += other.n_layers;
  n_elements += other.n_elements;
  size_bytes += other.size_bytes;
  stored_bytes += other.stored_bytes;
  standalone_bytes += other.standalone_bytes;
  duplicate_bytes += other.duplicate_bytes;
}

std::uint64_t ListedModel::delta_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& other : relatives) bytes += other.model == id ? 0 : other.size_bytes;
  return bytes;
}

std::int64_t ListedModel::saved_bytes() const {
  std::int64_t bytes = 0;
  for (const auto& other : relatives) bytes += other.model == id ? 0 : other.saved_bytes();
  return bytes;
}

const Relative* ListedModel::base() const {
  std::vector<BaseShare> shares;
  for (const auto& other : relatives) shares.push_back({other.model, other.size_bytes});
  const auto base = base_of_model(id, size_bytes, shares);
  return base.empty() ? nullptr : &*std::ranges::find(relatives, base, &Relative::model);
}

const Relative* ListedModel::original() const {
  const Relative* most = nullptr;
  for (const auto& other : relatives) {
    if (other.model == id || other.model.empty()) continue;
    if (most == nullptr || other.duplicate_bytes > most->duplicate_bytes) most = &other;
  }
  return most != nullptr && most->duplicate_bytes > layer_bytes / 2 ? most : nullptr;
}

Result<Listing> list_files(const archive::ArchiveDir& directory, const ListOptions& options) {
  return Lister(directory, options).run();
}

std::vector<ListedModel> sum_by_model(const std::vector<ListedFile>& files) {
  std::map<std::string, ListedModel> models;
  std::map<std::string, std::map<std::string, Relative>> relatives;
  for (const auto& file : files) {
    if (file.kind == "directory" || file.state != RowState::Current) continue;
    auto& model = models[file.model];
    model.id = file.model;
    ++model.n_files;
    model.n_layers += file.n_layers;
    if (file.kind == "file") model.size_bytes += file.size_bytes;
    model.stored_bytes += file.stored_bytes;
    model.layer_bytes += file.layer_bytes;
    model.duplicate_bytes += file.duplicate_bytes;
    for (const auto& [id, other] : file.relatives) relatives[file.model][id].add(other);
  }
  std::vector<ListedModel> sums;
  for (auto& [id, model] : models) {
    for (auto& [other, relative] : relatives[id]) model.relatives.push_back(std::move(relative));
    std::ranges::stable_sort(model.relatives, std::greater{}, &Relative::shared_bytes);
    sums.push_back(std::move(model));
  }
  return sums;
}

}  // namespace elves::restore
