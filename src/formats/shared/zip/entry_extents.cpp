#include "formats/shared/zip/entry_extents.hpp"

#include <fmt/format.h>

#include "support/checked.hpp"
#include "support/text.hpp"

namespace elves::formats::zip {

Result<void> move_into_zip(FoundExtents& found, const Entry& entry) {
  for (auto& extent : found.extents) {
    const auto end = checked_add(extent.offset_bytes, extent.length_bytes);
    if (!end || *end > entry.size_bytes) {
      return Error{fmt::format("{} passes the end of entry {}", quoted_name(extent.name), quoted_name(entry.name))};
    }
    extent.offset_bytes += entry.data_offset_bytes;
  }
  return {};
}

}  // namespace elves::formats::zip
