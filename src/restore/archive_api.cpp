#include <algorithm>
#include <exception>
#include <map>
#include <optional>

#include "archive/shard_reader.hpp"
#include "elves/archive.hpp"
#include "elves/codec.hpp"
#include "restore/container_checksums.hpp"
#include "restore/decode/chunk_decoder.hpp"
#include "restore/decode/file_decoder.hpp"

namespace elves {

struct Archive::State {
  archive::Directory directory;
  archive::ShardSet shards;
  std::map<std::string, archive::FileRef> files;

  explicit State(archive::Directory opened) : directory(std::move(opened)), shards(directory) {}

  Result<void> load_files() {
    for (const auto number : directory.shards) {
      auto shard = shards.at(number);
      if (!shard) return shard.error();
      for (std::uint64_t row = 0; row < (*shard)->rows(archive::FileRow::kTable); ++row) {
        const auto file = (*shard)->file(row);
        if (!file) return file.error();
        auto path = (*shard)->path(*file);
        if (!path) return path.error();
        files[std::move(*path)] = {number, 0, row, file->size_bytes};
      }
    }
    return {};
  }

  Result<archive::FileRef> find(const std::string& path) const {
    const auto at = files.find(path);
    if (at == files.end()) return Error{path + " is not in the archive"};
    return at->second;
  }
};

namespace {

/// One extent with its layer, and where the latter lies.
struct Part {
  archive::ExtentRow extent;
  archive::LayerRow layer;
  std::string name;
  std::vector<std::uint64_t> shape;
};

Result<std::vector<Part>> parts_of(archive::ShardSet& shards, const archive::FileRef& ref) {
  const auto file = restore::read_file_row(shards, ref);
  if (!file) return file.error();
  std::vector<Part> parts;
  for (std::uint64_t e = 0; e < file->row.n_extents; ++e) {
    auto shard = shards.at(ref.shard);
    if (!shard) return shard.error();
    const auto extent = (*shard)->extent(file->row.first_extent + e);
    if (!extent) return extent.error();
    auto name = (*shard)->names(extent->name_offset, extent->name_bytes);
    auto shape = (*shard)->shape(extent->name_offset + extent->name_bytes, extent->ndim);
    if (!name) return name.error();
    if (!shape) return shape.error();
    auto home = shards.at(extent->layer_shard);
    if (!home) return home.error();
    const auto layer = (*home)->layer(extent->layer_row);
    if (!layer) return layer.error();
    parts.push_back({*extent, *layer, std::move(*name), std::move(*shape)});
  }
  return parts;
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
    auto directory = archive::read_directory(path);
    if (!directory) return directory.error();
    auto state = std::make_unique<State>(std::move(*directory));
    if (auto loaded = state->load_files(); !loaded) return loaded.error();
    return Archive(std::move(state));
  });
}

Result<std::vector<std::string>> Archive::files() {
  std::vector<std::string> paths;
  for (const auto& [path, ref] : state_->files) paths.push_back(path);
  return paths;
}

Result<std::vector<LayerInfo>> Archive::layers(const std::string& path) {
  return guarded([&]() -> Result<std::vector<LayerInfo>> {
    const auto ref = state_->find(path);
    if (!ref) return ref.error();
    const auto parts = parts_of(state_->shards, *ref);
    if (!parts) return parts.error();
    std::vector<LayerInfo> layers;
    for (const auto& part : *parts) {
      if (part.extent.is_layer == 0) continue;
      const auto dtype = dtype_from_number(part.layer.dtype);
      if (!dtype) return Error{path + ": unknown dtype " + std::to_string(part.layer.dtype)};
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
    const auto ref = state_->find(path);
    if (!ref) return ref.error();
    const auto parts = parts_of(state_->shards, *ref);
    if (!parts) return parts.error();
    std::vector<std::byte> bytes;
    const KeyedHash hash(state_->directory.identity.hash_secret);
    restore::BaseCache bases(0);  // no chunk has the base of another
    restore::ChunkDecoder decoder(bases);
    bool found = false;
    for (const auto& part : *parts) {
      if (part.extent.is_layer == 0 || part.name != layer) continue;
      if (std::exchange(found, true) && part.extent.part == 0) break;  // another layer of the same name
      auto chunks = restore::LayerChunks::open(state_->shards, {part.extent.layer_shard, part.extent.layer_row});
      if (!chunks) return Error{path + ": layer " + layer + ": " + chunks.error().message};
      std::vector<Hash128> digests;
      while (!chunks->at_end()) {
        const auto chunk = chunks->next();
        if (!chunk) return Error{path + ": layer " + layer + ": " + chunk.error().message};
        const auto at = bytes.size();
        bytes.resize(at + chunk->chunk.row.raw_bytes);
        const auto digest = decoder.decode(*chunk, hash, std::span(bytes).subspan(at));
        if (!digest) return Error{path + ": layer " + layer + ": " + digest.error().message};
        digests.push_back(*digest);
      }
      if (hash.combine(digests) != archive::to_hash(part.layer.decoded))
        return Error{path + ": layer " + layer + " is damaged (digest)"};
    }
    if (!found) return Error{path + " has no layer " + layer};
    return bytes;
  });
}

Result<std::vector<std::byte>> Archive::read_file(const std::string& path) {
  return guarded([&]() -> Result<std::vector<std::byte>> {
    const auto ref = state_->find(path);
    if (!ref) return ref.error();
    Collector collector;
    restore::decode_files(state_->shards, state_->directory, std::span(&*ref, 1), 1, collector);
    if (!collector.outcome) return Error{path + ": " + collector.outcome.error().message};
    return std::move(collector.bytes);
  });
}

}  // namespace elves
