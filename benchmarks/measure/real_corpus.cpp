#include "measure/real_corpus.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "corpus/disk_folder.hpp"
#include "elves/codec.hpp"
#include "formats/parse_file.hpp"
#include "support/posix.hpp"

namespace elves::measure {
namespace {

namespace fs = std::filesystem;

FileDescriptor open_file(const std::string& path) {
  FileDescriptor fd(open_regular_file(path));
  if (!fd) throw Failure(path + ": " + errno_text(errno));
  return fd;
}

std::vector<fs::path> regular_files(const std::string& hub) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::recursive_directory_iterator(hub)) {
    if (entry.is_regular_file() && !entry.is_symlink()) paths.push_back(entry.path());
  }
  std::ranges::sort(paths, {}, [](const fs::path& path) { return path.native(); });
  return paths;
}

// Chunks are whole elements, or whole blocks.
void append_chunks(const formats::Extent& layer, const std::string& path, std::vector<LayerChunk>& chunks) {
  const std::uint64_t most = kChunkBytes / size_bytes(layer.dtype) * size_bytes(layer.dtype);
  for (std::uint64_t at = 0; at < layer.length_bytes; at += most) {
    chunks.push_back({.path = path,
                      .offset_bytes = layer.offset_bytes + at,
                      .size_bytes = static_cast<std::size_t>(std::min(most, layer.length_bytes - at)),
                      .dtype = layer.dtype,
                      .lossless = layer.lossless,
                      .begins_layer = at == 0,
                      .layer = layer.name});
  }
}

}  // namespace

std::optional<std::string> find_real_hub() {
  const char* place = std::getenv("ELVES_CORPUS");
  const fs::path hub = fs::path(place ? place : ELVES_SOURCE_DIR "/../shared/corpus") / "hub";
  if (!fs::is_directory(hub)) return std::nullopt;
  return hub.string();
}

std::vector<LayerChunk> list_chunks(const std::string& hub) {
  std::vector<LayerChunk> chunks;
  for (const auto& path : regular_files(hub)) {
    const auto fd = open_file(path.string());
    const corpus::DiskFolder folder(path.parent_path().string());
    const auto name = path.filename().string();
    const auto parsed = formats::parse_file(formats::FileSource(fd.get(), fs::file_size(path)), {name, &folder});
    for (const auto& extent : parsed.extents) {
      if (extent.is_layer) append_chunks(extent, fs::relative(path, hub).string(), chunks);
    }
  }
  return chunks;
}

std::vector<std::byte> read_chunk(const std::string& hub, const LayerChunk& chunk) {
  const auto path = hub + "/" + chunk.path;
  const auto fd = open_file(path);
  std::vector<std::byte> bytes(chunk.size_bytes);
  if (const auto read = pread_exactly(fd.get(), bytes, chunk.offset_bytes); !read) {
    throw Failure(path + ": " + read.error().message);
  }
  return bytes;
}

}  // namespace elves::measure
