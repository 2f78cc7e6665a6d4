#include "formats/format.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "formats/shared/sniffer/sniffer.hpp"
#include "support/checked.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"

namespace elves::formats {
namespace {

/// A smaller file without layers needs no reason: nobody misses weights in it.
constexpr std::uint64_t kReasonFromBytes = 64 << 10;

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
  parsed.opaque_bytes = file_bytes;
  if (file_bytes > 0) parsed.extents.push_back(Extent{.offset_bytes = 0, .length_bytes = file_bytes});
  parsed.opaque_reason = std::move(reason);
  return parsed;
}

Error past_the_end(std::uint64_t offset_bytes) {
  return Error{"read past the end, at byte " + std::to_string(offset_bytes)};
}

/// What a parser found, as extents that partition the file; opaque where that cannot be.
ParsedFile checked(ContainerId id, std::string_view format, Result<Layout> layout, std::uint64_t file_bytes) {
  const auto refuse = [&](const Error& why) { return opaque(file_bytes, std::string(format) + ": " + why.message); };
  if (!layout) return refuse(layout.error());
  auto extents = partition(std::move(layout->extents), file_bytes);
  if (!extents) return refuse(extents.error());
  ParsedFile parsed{.container = id,
                    .extents = std::move(extents).value(),
                    .opaque_bytes = layout->opaque_bytes,
                    .opaque_reason = {}};
  if (parsed.opaque_bytes > 0) parsed.opaque_reason = std::string(format) + ": " + layout->opaque_reason;
  return parsed;
}

/// For what neither a container nor a companion knows.
ParsedFile sniffed(const ByteSource& file) {
  const auto size = file.size_bytes();
  auto layout = sniff(file);
  if (layout && layout->extents.empty())
    return opaque(size, size < kReasonFromBytes ? std::string{} : std::move(layout->opaque_reason));
  return checked(ContainerId::Sniffed, name(ContainerId::Sniffed), std::move(layout), size);
}

}  // namespace

Result<void> WindowSource::read(std::uint64_t offset_bytes, std::span<std::byte> out) const {
  if (offset_bytes > size_bytes_ || out.size() > size_bytes_ - offset_bytes) return past_the_end(offset_bytes);
  return outer_.read(offset_bytes_ + offset_bytes, out);
}

Result<void> FileSource::read(std::uint64_t offset_bytes, std::span<std::byte> out) const {
  const auto end = checked_add<std::uint64_t>(offset_bytes, out.size());
  if (!end || *end > size_bytes_) return past_the_end(offset_bytes);
  return pread_exactly(fd_, out, offset_bytes);
}

Result<void> MemorySource::read(std::uint64_t offset_bytes, std::span<std::byte> out) const {
  if (offset_bytes > bytes_.size() || out.size() > bytes_.size() - offset_bytes) return past_the_end(offset_bytes);
  if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset_bytes, out.size());
  return {};
}

std::optional<std::uint64_t> layer_bytes(DType dtype, std::span<const std::uint64_t> shape) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::optional<std::uint64_t> elements = 1;
  for (std::size_t i = 0; elements && i < shape.size(); ++i) elements = checked_mul(*elements, shape[i]);
  if (!elements || *elements % block_elements(dtype) != 0) return std::nullopt;
  return checked_mul<std::uint64_t>(*elements / block_elements(dtype), size_bytes(dtype));
}

ParsedFile parse_as(const Container& container, const ByteSource& file) {
  return checked(container.id, container.name, container.parse(file), file.size_bytes());
}

ParsedFile parse_file(const ByteSource& file, const FilePlace& place) {
  const auto size = file.size_bytes();
  for (const auto& container : containers()) {
    if (container.recognizes(file)) return parse_as(container, file);
  }
  for (const auto& companion : companions()) {
    if (place.folder == nullptr) break;
    if (auto layout = companion.parse(file, place.name, *place.folder))
      return checked(companion.id, companion.name, std::move(*layout), size);
  }
  return sniffed(file);
}

}  // namespace elves::formats
