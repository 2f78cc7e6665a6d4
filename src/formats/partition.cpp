#include "formats/partition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "support/checked.hpp"
#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::formats {
namespace {

Error layer_error(const Extent& layer, std::string_view flaw) {
  return Error{fmt::format("layer {} {}", quoted_name(layer.name), flaw)};
}

Result<void> check(const Extent& extent, std::uint64_t file_bytes) {
  const auto end = checked_add(extent.offset_bytes, extent.length_bytes);
  if (!end || *end > file_bytes) return layer_error(extent, "passes the end of the file");
  if (!extent.is_layer) return {};
  const auto bytes = layer_bytes(extent.dtype, extent.shape);
  if (!bytes) return layer_error(extent, "has a shape whose size overflows");
  if (*bytes == extent.length_bytes) return {};
  return layer_error(extent, fmt::format("has {} bytes, but its dtype and shape need {}", extent.length_bytes, *bytes));
}

}  // namespace

Result<std::vector<Extent>> partition(std::vector<Extent> found, std::uint64_t file_bytes) {
  for (const auto& extent : found) ELVES_CHECK(check(extent, file_bytes));
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

}  // namespace elves::formats
