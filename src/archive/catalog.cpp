#include "archive/catalog.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "archive/shard_reader.hpp"
#include "support/file_kind.hpp"
#include "support/glob.hpp"

namespace elves::archive {
namespace {

struct LayerMessage {
  Hash128 fingerprint;
  Hash128 decoded;
  std::uint64_t size_bytes;
  std::uint64_t row;
  std::uint32_t shard;
  LossId loss;
  std::uint64_t dtype;
};

/// Rounds in which each rank reads at most one shard: `body(shard or nothing)` is called equally often on all ranks.
template <class Body>
void for_each_shard(const mpi::Comm& comm, const Directory& directory, Body body) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  const auto n = directory.shards.size();
  for (std::size_t round = 0; round * ranks < n; ++round) {
    const auto mine = round * ranks + static_cast<std::size_t>(comm.rank());
    body(mine < n ? std::optional(directory.shards[mine]) : std::nullopt);
  }
}

Result<void> read_layers(ShardReader& reader, std::uint32_t shard, mpi::PerRank<LayerMessage>& to) {
  for (std::uint64_t row = 0; row < reader.rows(LayerRow::kTable); ++row) {
    const auto layer = reader.layer(row);
    if (!layer) return layer.error();
    const auto dtype = dtype_from_number(layer->dtype);
    if (!dtype) return Error{shard_name(shard) + ": unknown dtype " + std::to_string(layer->dtype)};
    const LayerMessage message{to_hash(layer->fingerprint),
                               to_hash(layer->decoded),
                               layer->size_bytes,
                               row,
                               shard,
                               LossId{layer->loss_id},
                               layer->dtype};
    const dedup::LayerKey key{message.fingerprint, message.size_bytes, *dtype};
    to[static_cast<std::size_t>(dedup::LayerTable::owner(key, static_cast<int>(to.size())))].push_back(message);
  }
  return {};
}

std::uint64_t order_of(std::uint32_t shard, std::uint64_t row) {
  return (std::uint64_t{shard} << 40) | row;
}

Result<void> read_files(ShardReader& reader, std::uint32_t shard, const KeyedHash& hash, Catalog& catalog,
                        std::uint64_t& bytes) {
  for (std::uint64_t row = 0; row < reader.rows(FileRow::kTable); ++row) {
    const auto file = reader.file(row);
    if (!file) return file.error();
    const auto path = reader.path(*file);
    if (!path) return path.error();
    catalog.known_files.push_back({hash(*path), file->state, order_of(shard, row), LossId{file->loss_id}});
    if (file->kind == static_cast<std::uint8_t>(FileKind::Regular)) bytes += file->size_bytes;
  }
  return {};
}

/// Layers that stand alone and have a sketch: all that later layers of their dtype and shape are compared with.
Result<void> read_sketched(ShardReader& reader, std::uint32_t shard, std::vector<KnownBase>& bases) {
  for (std::uint64_t row = 0; row < reader.rows(SketchRow::kTable); ++row) {
    const auto sketch = reader.sketch(row);
    if (!sketch) return sketch.error();
    const auto layer = reader.layer(sketch->layer);
    if (!layer) return layer.error();
    if (layer->base_shard != kNoShard) continue;
    auto shape = reader.shape(layer->shape_offset, layer->ndim);
    if (!shape) return shape.error();
    const auto text = reader.names(sketch->name_offset, sketch->n_bytes);
    if (!text) return text.error();
    const auto bytes = std::as_bytes(std::span(*text));
    bases.push_back({.place = {shard, sketch->layer},
                     .model = to_hash(sketch->model),
                     .name = to_hash(sketch->name),
                     .dtype = static_cast<DType>(layer->dtype),  // read_layers has checked it
                     .shape = std::move(*shape),
                     .part = sketch->part,
                     .size_bytes = layer->size_bytes,
                     .sketch = {bytes.begin(), bytes.end()}});
  }
  return {};
}

/// Layers without a sketch: those of their name in a model that rests on this one are compared with them. Which of them
/// stand alone only the shards that they lie in know.
Result<void> read_named(ShardReader& reader, const FileRow& file, const Hash128& model, std::vector<KnownBase>& bases) {
  for (std::uint64_t e = 0; e < file.n_extents; ++e) {
    const auto extent = reader.extent(file.first_extent + e);
    if (!extent) return extent.error();
    const auto dtype = dtype_from_number(extent->dtype);
    if (!dtype) return Error{"an extent of unknown dtype " + std::to_string(extent->dtype)};
    if (extent->is_layer == 0 || extent->size_bytes == 0 || extent->size_bytes >= kLeastSketchedBytes) continue;
    if (block_elements(*dtype) != 1) continue;
    const auto name = reader.names(extent->name_offset, extent->name_bytes);
    if (!name) return name.error();
    auto shape = reader.shape(extent->name_offset + extent->name_bytes, extent->ndim);
    if (!shape) return shape.error();
    bases.push_back({.place = {extent->layer_shard, extent->layer_row},
                     .model = model,
                     .name = hash128(*name),
                     .dtype = *dtype,
                     .shape = std::move(*shape),
                     .part = extent->part,
                     .size_bytes = extent->size_bytes,
                     .sketch = {}});
  }
  return {};
}

Result<void> read_bases(ShardReader& reader, std::uint32_t shard, std::vector<KnownBase>& bases) {
  if (auto done = read_sketched(reader, shard, bases); !done) return done;
  for (std::uint64_t row = 0; row < reader.rows(FileRow::kTable); ++row) {
    const auto file = reader.file(row);
    if (!file) return file.error();
    const auto model = reader.model(file->model);
    if (!model) return model.error();
    const auto id = reader.names(model->id_offset, model->id_bytes);
    if (!id) return id.error();
    if (auto done = read_named(reader, *file, hash128(*id), bases); !done) return done;
  }
  return {};
}

Result<void> read_models(ShardReader& reader, std::map<Hash128, std::string>& models) {
  for (std::uint64_t row = 0; row < reader.rows(ModelRow::kTable); ++row) {
    const auto model = reader.model(row);
    if (!model) return model.error();
    const auto id = reader.names(model->id_offset, model->id_bytes);
    if (!id) return id.error();
    models.emplace(hash128(*id), *id);
  }
  return {};
}

}  // namespace

Catalog load_catalog(const mpi::Comm& comm, const Directory& directory, dedup::LayerTable& table,
                     const TakeBases& take_bases) {
  Catalog catalog;
  const KeyedHash hash(directory.identity.hash_secret);
  std::uint64_t sweep = 0;
  std::uint64_t bytes = 0;
  for_each_shard(comm, directory, [&](std::optional<std::uint32_t> shard) {
    mpi::PerRank<LayerMessage> to(static_cast<std::size_t>(comm.size()));
    std::vector<KnownBase> bases;
    Result<void> outcome;
    if (shard) {
      auto reader = ShardReader::open(directory, *shard);
      if (!reader)
        outcome = reader.error();
      else if (auto layers = read_layers(*reader, *shard, to); !layers)
        outcome = layers;
      else if (auto files = read_files(*reader, *shard, hash, catalog, bytes); !files)
        outcome = files;
      else
        outcome = read_models(*reader, catalog.model_names);
      if (outcome && take_bases) outcome = read_bases(*reader, *shard, bases);
      if (reader) sweep = std::max(sweep, reader->sweep());
    }
    comm.agree(outcome, "archive: read the catalog");
    if (take_bases) take_bases(std::move(bases));
    for (const auto& from_rank : comm.alltoallv(to)) {
      for (const auto& m : from_rank)
        table.insert({m.fingerprint, m.size_bytes, static_cast<DType>(m.dtype)}, {{m.shard, m.row}, m.decoded, m.loss});
    }
  });
  catalog.next_shard = directory.shards.empty() ? 0 : directory.shards.back() + 1;
  catalog.next_sweep = comm.max(sweep) + 1;
  catalog.file_bytes = comm.sum(bytes);
  return catalog;
}

namespace {

/// A file row on its way to the rank that decides about its path.
struct Candidate {
  Hash128 path;
  Hash128 target;    ///< of a hard link
  Hash128 restored;  ///< digest of its content
  FileRef file;
  std::uint32_t selected;
  std::uint32_t kind;

  bool is(FileKind other) const { return kind == static_cast<std::uint32_t>(other); }
};

bool takes(const std::vector<std::string>& patterns, std::string_view text) {
  return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
           return pattern == text || glob_match(pattern, text);
         });
}

std::size_t owner_of(const Hash128& path, std::size_t ranks) {
  return path.low % ranks;
}

Result<void> read_candidates(ShardReader& reader, std::uint32_t shard, const Selection& selection,
                             const KeyedHash& hash, mpi::PerRank<Candidate>& to) {
  for (std::uint64_t row = 0; row < reader.rows(FileRow::kTable); ++row) {
    const auto file = reader.file(row);
    if (!file) return file.error();
    const auto path = reader.path(*file);
    const auto target = reader.target(*file);
    const auto model = reader.model(file->model);
    if (!path) return path.error();
    if (!target) return target.error();
    if (!model) return model.error();
    const auto id = reader.names(model->id_offset, model->id_bytes);
    if (!id) return id.error();
    const bool selected = takes(selection.models, *id) && takes(selection.paths, *path);
    const Candidate candidate{
        hash(*path),        hash(*target), to_hash(file->restored), {shard, 0, row, file->size_bytes},
        selected ? 1u : 0u, file->kind};
    to[owner_of(candidate.path, to.size())].push_back(candidate);
  }
  return {};
}

struct HashOfHash {
  std::size_t operator()(const Hash128& hash) const noexcept { return hash.high; }
};
using LatestByPath = std::unordered_map<Hash128, Candidate, HashOfHash>;

/// Collective. Gathers from all owners the paths of which an earlier version was a folder and the latest is none.
FormerFolders find_former_folders(const mpi::Comm& comm, const Directory& directory, const LatestByPath& latest,
                                  const std::set<Hash128>& folders) {
  struct Former {
    Hash128 path;
    std::uint64_t order;
  };
  std::vector<Former> mine;
  for (const auto& path : folders) {
    const auto& now = latest.at(path);
    if (!now.is(FileKind::Directory)) mine.push_back({path, order_of(now.file.shard, now.file.row)});
  }
  std::map<Hash128, std::uint64_t> all;
  for (const auto& from_rank : comm.alltoallv(mpi::PerRank<Former>(static_cast<std::size_t>(comm.size()), mine))) {
    for (const auto& former : from_rank) all[former.path] = former.order;
  }
  return {directory, std::move(all)};
}

/// Collective. `folders`: this owner's paths of which any version is a folder.
LatestByPath latest_versions(const mpi::Comm& comm, const Directory& directory, const Selection& selection,
                             std::set<Hash128>& folders) {
  const KeyedHash hash(directory.identity.hash_secret);
  LatestByPath latest;
  for_each_shard(comm, directory, [&](std::optional<std::uint32_t> shard) {
    mpi::PerRank<Candidate> to(static_cast<std::size_t>(comm.size()));
    Result<void> outcome;
    if (shard) {
      auto reader = ShardReader::open(directory, *shard);
      outcome = reader ? read_candidates(*reader, *shard, selection, hash, to) : Result<void>(reader.error());
    }
    comm.agree(outcome, "archive: read the catalog");
    for (const auto& from_rank : comm.alltoallv(to)) {
      for (const auto& candidate : from_rank) {
        if (candidate.is(FileKind::Directory)) folders.insert(candidate.path);
        const auto [at, added] = latest.try_emplace(candidate.path, candidate);
        const auto& held = at->second.file;
        if (!added && order_of(candidate.file.shard, candidate.file.row) > order_of(held.shard, held.row))
          at->second = candidate;
      }
    }
  });
  return latest;
}

struct Selected {
  FileRef file;
  std::uint64_t link;
};

/// The selected files of this owner; hard links learn whether their first name can be linked to.
std::vector<Selected> with_links(const mpi::Comm& comm, const LatestByPath& latest) {
  struct Question {
    Hash128 target;
    Hash128 restored;
  };
  const auto ranks = static_cast<std::size_t>(comm.size());
  std::vector<Selected> selected;
  mpi::PerRank<Question> questions(ranks);
  mpi::PerRank<std::size_t> askers(ranks);
  for (const auto& [path, candidate] : latest) {
    if (candidate.selected == 0) continue;
    if (candidate.is(FileKind::Hardlink)) {
      questions[owner_of(candidate.target, ranks)].push_back({candidate.target, candidate.restored});
      askers[owner_of(candidate.target, ranks)].push_back(selected.size());
    }
    selected.push_back({candidate.file, 0});
  }
  mpi::PerRank<std::uint8_t> answers(ranks);
  const auto asked = comm.alltoallv(questions);
  for (std::size_t r = 0; r < ranks; ++r) {
    for (const auto& question : asked[r]) {
      const auto at = latest.find(question.target);
      const bool same = at != latest.end() && at->second.selected != 0 && at->second.is(FileKind::Regular) &&
                        at->second.restored == question.restored;
      answers[r].push_back(same ? 1 : 0);
    }
  }
  const auto told = comm.alltoallv(answers);
  for (std::size_t r = 0; r < ranks; ++r) {
    for (std::size_t i = 0; i < told[r].size(); ++i) selected[askers[r][i]].link = told[r][i];
  }
  return selected;
}

}  // namespace

bool FormerFolders::hides(const std::string& path, const FileRef& file) const {
  if (since_.empty()) return false;
  for (auto slash = path.rfind('/'); slash != std::string::npos && slash > 0; slash = path.rfind('/', slash - 1)) {
    const auto at = since_.find(hash_(std::string_view(path).substr(0, slash)));
    if (at != since_.end() && order_of(file.shard, file.row) < at->second) return true;
  }
  return false;
}

SelectedFiles select_files(const mpi::Comm& comm, const Directory& directory, const Selection& selection) {
  std::set<Hash128> folders;
  const auto latest = latest_versions(comm, directory, selection, folders);
  auto former_folders = find_former_folders(comm, directory, latest, folders);
  auto selected = with_links(comm, latest);
  constexpr std::uint64_t kFileCost = 64 << 10;  // opening and naming a file costs as much as decoding this many bytes
  const auto cost = [](const Selected& file) { return file.file.size_bytes + kFileCost; };
  std::sort(selected.begin(), selected.end(), [](const Selected& a, const Selected& b) {
    return order_of(a.file.shard, a.file.row) < order_of(b.file.shard, b.file.row);
  });
  std::uint64_t mine = 0;
  for (const auto& file : selected) mine += cost(file);
  std::uint64_t at = comm.exscan(mine);
  const std::uint64_t share = std::max<std::uint64_t>(1, comm.sum(mine) / static_cast<std::uint64_t>(comm.size()) + 1);
  mpi::PerRank<Selected> to(static_cast<std::size_t>(comm.size()));
  for (const auto& file : selected) {
    to[std::min<std::uint64_t>(at / share, to.size() - 1)].push_back(file);
    at += cost(file);
  }
  std::vector<SelectedFile> files;
  for (const auto& from_rank : comm.alltoallv(to)) {
    for (const auto& file : from_rank) files.push_back({file.file, file.link != 0});
  }
  std::sort(files.begin(), files.end(), [](const SelectedFile& a, const SelectedFile& b) {
    return order_of(a.file.shard, a.file.row) < order_of(b.file.shard, b.file.row);
  });
  return {std::move(files), std::move(former_folders)};
}

}  // namespace elves::archive
