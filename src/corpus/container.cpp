#include "corpus/container.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "corpus/containers/safetensors/safetensors.hpp"
#include "support/checked.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"

namespace elves::corpus {
namespace {

constexpr std::array kContainers{kSafetensors};

Error layer_error(const Extent& layer, const std::string& what) {
  return Error{"layer '" + printable(std::string_view(layer.name).substr(0, 100)) + "' " + what};
}

Result<void> check_size(const Extent& layer, std::uint64_t file_bytes) {
  const auto end = checked_add(layer.offset_bytes, layer.length_bytes);
  if (!end || *end > file_bytes) return layer_error(layer, "lies beyond the end of the file");
  if (!layer.is_layer) return {};
  const auto bytes = layer_bytes(layer.dtype, layer.shape);
  if (!bytes) return layer_error(layer, "has a shape whose size overflows");
  if (*bytes != layer.length_bytes) {
    return layer_error(layer, "has " + std::to_string(layer.length_bytes) + " bytes where its dtype and shape mean " +
                                  std::to_string(*bytes));
  }
  return {};
}

/// Sorts what a parser found and fills the gaps with glue, so that the result partitions the file.
Result<std::vector<Extent>> partition(std::vector<Extent> found, std::uint64_t file_bytes) {
  for (const auto& extent : found) {
    if (const auto checked = check_size(extent, file_bytes); !checked) return checked.error();
  }
  std::stable_sort(found.begin(), found.end(), [](const Extent& a, const Extent& b) {
    return std::pair(a.offset_bytes, a.length_bytes) < std::pair(b.offset_bytes, b.length_bytes);
  });
  std::vector<Extent> extents;
  extents.reserve(found.size() + 2);
  std::uint64_t at = 0;
  const auto fill_until = [&](std::uint64_t end) {
    if (at < end) extents.push_back(Extent{.offset_bytes = at, .length_bytes = end - at});
    at = end;
  };
  for (auto& extent : found) {
    if (extent.offset_bytes < at) return layer_error(extent, "overlaps another layer");
    fill_until(extent.offset_bytes);
    at += extent.length_bytes;
    extents.push_back(std::move(extent));
  }
  fill_until(file_bytes);
  return extents;
}

ParsedFile opaque(std::uint64_t file_bytes, std::string reason) {
  ParsedFile parsed;
  if (file_bytes > 0) parsed.extents.push_back(Extent{.offset_bytes = 0, .length_bytes = file_bytes});
  parsed.opaque_reason = std::move(reason);
  return parsed;
}

}  // namespace

Result<void> FileSource::read(std::uint64_t offset_bytes, std::span<std::byte> out) const {
  const auto end = checked_add<std::uint64_t>(offset_bytes, out.size());
  if (!end || *end > size_bytes_) return Error{"read past the end, at byte " + std::to_string(offset_bytes)};
  return pread_exactly(fd_, out, offset_bytes);
}

Result<void> MemorySource::read(std::uint64_t offset_bytes, std::span<std::byte> out) const {
  if (offset_bytes > bytes_.size() || out.size() > bytes_.size() - offset_bytes) {
    return Error{"read past the end, at byte " + std::to_string(offset_bytes)};
  }
  if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset_bytes, out.size());
  return {};
}

std::optional<std::uint64_t> layer_bytes(DType dtype, std::span<const std::uint64_t> shape) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::optional<std::uint64_t> bytes = size_bytes(dtype);
  for (std::size_t i = 0; bytes && i < shape.size(); ++i) bytes = checked_mul(*bytes, shape[i]);
  return bytes;
}

std::span<const Container> containers() {
  return kContainers;
}

std::string_view name(ContainerId id) {
  const auto row =
      std::find_if(kContainers.begin(), kContainers.end(), [&](const auto& each) { return each.id == id; });
  return row == kContainers.end() ? "opaque" : row->name;
}

ParsedFile parse_file(const ByteSource& file) {
  const auto size = file.size_bytes();
  for (const auto& container : containers()) {
    if (!container.recognizes(file)) continue;
    const auto refuse = [&](const Error& why) {
      return opaque(size, std::string(container.name) + ": " + why.message);
    };
    auto found = container.parse(file);
    if (!found) return refuse(found.error());
    auto extents = partition(std::move(found).value(), size);
    if (!extents) return refuse(extents.error());
    return ParsedFile{.container = container.id, .extents = std::move(extents).value(), .opaque_reason = {}};
  }
  return opaque(size, {});
}

}  // namespace elves::corpus
