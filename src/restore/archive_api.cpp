#include <algorithm>
#include <exception>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "archive/file_extents.hpp"
#include "archive/file_history.hpp"
#include "archive/file_ref.hpp"
#include "archive/shard_reader.hpp"
#include "elves/archive.hpp"
#include "elves/codec.hpp"
#include "restore/container_checksums.hpp"
#include "restore/decode/chunk_decoder.hpp"
#include "restore/decode/file_decoder.hpp"
#include "support/try.hpp"

namespace elves {

struct Archive::State {
  struct File {
    archive::FileRef ref;
    std::string model;
    bool is_folder = false;
  };
  archive::ArchiveDir directory;
  archive::ShardSet shards;
  KeyedHash hash;
  std::map<std::string, File> current;
  std::map<std::string, archive::FileRef> former;  ///< the latest versions of paths that are no more

  explicit State(archive::ArchiveDir opened)
      : directory(std::move(opened)), shards(directory), hash(directory.identity.hash_secret) {}

  Result<void> load_files() {
    archive::FileHistory history(hash);
    std::vector<std::pair<std::string, File>> rows;
    for (const auto number : directory.shards) {
      ELVES_TRY(const auto shard, shards.at(number));
      for (std::uint64_t row = 0; row < shard->rows(archive::FileRow::kTable); ++row) {
        ELVES_TRY(const auto file, shard->file(row));
        ELVES_TRY(auto path, shard->path(file));
        ELVES_TRY(auto model, shard->model_id(file));
        const auto kind = static_cast<FileKind>(file.kind);
        history.add(path, kind, archive::order_of(number, row));
        rows.emplace_back(std::move(path),
                          File{{number, 0, row, file.size_bytes}, std::move(model), kind == FileKind::Directory});
      }
    }
    const auto states = history.states();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto& [path, file] = rows[i];
      if (states[i] == archive::RowState::Former) former.emplace(path, file.ref);
      if (states[i] == archive::RowState::Current) current.emplace(std::move(path), std::move(file));
    }
    return {};
  }

  Result<archive::FileRef> find(const std::string& path) const {
    if (const auto at = current.find(path); at != current.end()) return at->second.ref;
    if (const auto at = former.find(path); at != former.end()) return at->second;
    return Error{path + " is not in the archive"};
  }
};

namespace {

/// An extent with its layer, and the layer's name in the file.
struct Part : archive::FileExtent {
  std::string name;
  std::vector<std::uint64_t> shape;
};

Result<std::vector<Part>> parts_of(archive::ShardSet& shards, const archive::FileRef& ref) {
  ELVES_TRY(const auto file, restore::read_file_row(shards, ref));
  ELVES_TRY(const auto extents, archive::extents_of(shards, ref.shard, file.row));
  ELVES_TRY(const auto shard, shards.at(ref.shard));
  std::vector<Part> parts;
  for (const auto& found : extents) {
    const auto& row = found.extent;
    ELVES_TRY(auto name, shard->names(row.name_offset, row.name_bytes));
    ELVES_TRY(auto shape, shard->shape(row.name_offset + row.name_bytes, row.ndim));
    parts.push_back({found, std::move(name), std::move(shape)});
  }
  return parts;
}

/// The parts of one layer of a file, in order; of two layers of one name those of the first.
Result<std::vector<Part>> parts_of_layer(archive::ShardSet& shards, const archive::FileRef& ref,
                                         const std::string& path, const std::string& layer) {
  ELVES_TRY(auto parts, parts_of(shards, ref));
  std::vector<Part> found;
  for (auto& part : parts) {
    if (part.extent.is_layer == 0 || part.name != layer) continue;
    if (!found.empty() && part.extent.part == 0) break;
    found.push_back(std::move(part));
  }
  if (found.empty()) return Error{path + " has no layer " + layer};
  return found;
}

std::uint64_t sum_of_sizes(const std::vector<Part>& parts) {
  std::uint64_t sum = 0;
  for (const auto& part : parts) sum += part.layer.size_bytes;
  return sum;
}

/// Decodes the bytes of a layer that begin at `begin`, one chunk at a time.
class LayerDecoder {
 public:
  LayerDecoder(archive::ShardSet& shards, const KeyedHash& hash, std::uint64_t begin, std::span<std::byte> out)
      : shards_(shards), hash_(hash), begin_(begin), out_(out), bases_(0), decoder_(bases_) {}

  Result<void> add(const Part& part) {
    ELVES_TRY(auto chunks, restore::LayerChunks::open(shards_, part.place()));
    std::vector<Hash128> digests;
    while (!chunks.at_end()) {
      ELVES_TRY(const auto chunk, chunks.next());
      const auto size_bytes = chunk.chunk.row.raw_bytes;
      const bool is_needed = at_ < begin_ + out_.size() && begin_ < at_ + size_bytes;
      if (is_needed) {
        ELVES_TRY(const auto digest, decode(chunk));
        digests.push_back(digest);
      }
      at_ += size_bytes;
    }
    const bool is_whole = digests.size() == part.layer.n_chunks;
    if (is_whole && hash_.combine(digests) != archive::to_hash(part.layer.decoded)) return Error{"is damaged (digest)"};
    return {};
  }

 private:
  /// The chunk at `at_`, straight into the caller's memory where all of it is wanted.
  Result<Hash128> decode(const restore::ChunkSource& chunk) {
    const std::uint64_t size_bytes = chunk.chunk.row.raw_bytes;
    const auto first = std::max(at_, begin_);
    const auto last = std::min(at_ + size_bytes, begin_ + out_.size());
    const auto to = out_.subspan(first - begin_, last - first);
    if (to.size() == size_bytes) return decoder_.decode(chunk, hash_, to);
    std::vector<std::byte> whole(size_bytes);
    ELVES_TRY(const auto digest, decoder_.decode(chunk, hash_, whole));
    std::ranges::copy(std::span(whole).subspan(first - at_, to.size()), to.begin());
    return digest;
  }

  archive::ShardSet& shards_;
  KeyedHash hash_;
  std::uint64_t begin_;
  std::span<std::byte> out_;
  std::uint64_t at_ = 0;      ///< where the next chunk begins in the layer
  restore::BaseCache bases_;  ///< keeps nothing: no two chunks of a layer have the same base chunk
  restore::ChunkDecoder decoder_;
};

Result<void> decode_layer(archive::ShardSet& shards, const KeyedHash& hash, const std::vector<Part>& parts,
                          std::uint64_t begin, std::span<std::byte> out) {
  LayerDecoder decoder(shards, hash, begin, out);
  for (const auto& part : parts) ELVES_CHECK(decoder.add(part));
  return {};
}

/// Collects the bytes of one file, decoded by one thread.
class Collector final : public restore::FileVisitor {
 public:
  Result<void> begin(std::size_t, const restore::ArchivedFile& file) override {
    checksums_.emplace(file.row);
    return {};
  }
  Result<void> pieces(std::size_t, std::span<const restore::DecodedPiece> pieces) override {
    checksums_->take(pieces);
    for (const auto& piece : pieces) {
      bytes.resize(std::max<std::size_t>(bytes.size(), piece.offset_bytes + piece.bytes.size()));
      std::ranges::copy(piece.bytes, bytes.begin() + static_cast<std::ptrdiff_t>(piece.offset_bytes));
    }
    return {};
  }
  void end(std::size_t, const restore::ArchivedFile&, const Result<void>& result) override {
    outcome = result;
    if (!outcome) return;
    const auto corrections = checksums_->corrections(formats::MemorySource(bytes));
    if (!corrections) {
      outcome = corrections.error();
      return;
    }
    for (const auto& patch : *corrections)
      std::ranges::copy(patch.bytes, bytes.begin() + static_cast<std::ptrdiff_t>(patch.offset_bytes));
  }

  std::vector<std::byte> bytes;
  Result<void> outcome = Error{"the file did not end"};

 private:
  std::optional<restore::ContainerChecksums> checksums_;
};

/// The API promises errors, not exceptions: running out of memory is one.
template <class Body>
auto guarded(Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& error) {
    return Error{error.what()};
  }
}

}  // namespace

Archive::Archive(std::unique_ptr<State> state) : state_(std::move(state)) {}
Archive::Archive(Archive&&) noexcept = default;
Archive& Archive::operator=(Archive&&) noexcept = default;
Archive::~Archive() = default;

Result<Archive> Archive::open(const std::string& path) {
  return guarded([&]() -> Result<Archive> {
    ELVES_TRY(auto directory, archive::read_archive(path));
    auto state = std::make_unique<State>(std::move(directory));
    ELVES_CHECK(state->load_files());
    return Archive(std::move(state));
  });
}

std::vector<std::string> Archive::files() const {
  std::vector<std::string> paths;
  paths.reserve(state_->current.size());
  for (const auto& [path, file] : state_->current) paths.push_back(path);
  return paths;
}

std::vector<ModelInfo> Archive::models() const {
  std::map<std::string, ModelInfo> models;
  for (const auto& [path, file] : state_->current) {
    if (file.is_folder || file.model.empty()) continue;
    auto& model = models[file.model];
    model.id = file.model;
    model.files.push_back(path);
  }
  std::vector<ModelInfo> list;
  list.reserve(models.size());
  for (auto& [id, model] : models) list.push_back(std::move(model));
  return list;
}

Result<std::vector<LayerInfo>> Archive::layers(const std::string& path) {
  return guarded([&]() -> Result<std::vector<LayerInfo>> {
    ELVES_TRY(const auto ref, state_->find(path));
    ELVES_TRY(const auto parts, parts_of(state_->shards, ref));
    std::vector<LayerInfo> layers;
    for (const auto& part : parts) {
      if (part.extent.is_layer == 0) continue;
      const auto dtype = dtype_from_number(part.layer.dtype);
      if (!dtype) return Error{fmt::format("{}: unknown dtype {}", path, part.layer.dtype)};
      if (part.extent.part == 0) layers.push_back({part.name, *dtype, part.shape, 0, 0});
      if (layers.empty()) return Error{path + ": a layer begins with its second part"};
      layers.back().size_bytes += part.layer.size_bytes;
      layers.back().max_abs_error = std::max(layers.back().max_abs_error, +part.layer.max_abs_error);
    }
    return layers;
  });
}

Result<std::vector<std::byte>> Archive::read_layer(const std::string& path, const std::string& layer) {
  return guarded([&]() -> Result<std::vector<std::byte>> {
    ELVES_TRY(const auto ref, state_->find(path));
    ELVES_TRY(const auto parts, parts_of_layer(state_->shards, ref, path, layer));
    std::vector<std::byte> bytes(sum_of_sizes(parts));
    if (auto done = decode_layer(state_->shards, state_->hash, parts, 0, bytes); !done)
      return Error{fmt::format("{}: layer {}: {}", path, layer, done.error().message)};
    return bytes;
  });
}

Result<void> Archive::read_layer(const std::string& path, const std::string& layer, std::span<std::byte> out) {
  return guarded([&]() -> Result<void> {
    ELVES_TRY(const auto ref, state_->find(path));
    ELVES_TRY(const auto parts, parts_of_layer(state_->shards, ref, path, layer));
    if (const auto size = sum_of_sizes(parts); size != out.size())
      return Error{fmt::format("{}: layer {} has {} bytes, not {}", path, layer, size, out.size())};
    if (auto done = decode_layer(state_->shards, state_->hash, parts, 0, out); !done)
      return Error{fmt::format("{}: layer {}: {}", path, layer, done.error().message)};
    return {};
  });
}

Result<void> Archive::read_layer_range(const std::string& path, const std::string& layer, std::uint64_t offset_bytes,
                                       std::span<std::byte> out) {
  return guarded([&]() -> Result<void> {
    ELVES_TRY(const auto ref, state_->find(path));
    ELVES_TRY(const auto parts, parts_of_layer(state_->shards, ref, path, layer));
    const auto size = sum_of_sizes(parts);
    if (offset_bytes > size || out.size() > size - offset_bytes)
      return Error{fmt::format("{}: layer {} has {} bytes: {} from byte {} are too many", path, layer, size, out.size(),
                               offset_bytes)};
    if (auto done = decode_layer(state_->shards, state_->hash, parts, offset_bytes, out); !done)
      return Error{fmt::format("{}: layer {}: {}", path, layer, done.error().message)};
    return {};
  });
}

Result<std::vector<std::byte>> Archive::read_file(const std::string& path) {
  return guarded([&]() -> Result<std::vector<std::byte>> {
    ELVES_TRY(const auto ref, state_->find(path));
    Collector collector;
    restore::decode_files(state_->shards, state_->directory, std::span(&ref, 1), 1, collector);
    if (!collector.outcome) return Error{fmt::format("{}: {}", path, collector.outcome.error().message)};
    return std::move(collector.bytes);
  });
}

}  // namespace elves
