#pragma once

#include <cstdint>
#include <string>

#include "formats/parse_file.hpp"

namespace elves::formats {

/// The first flaw of a parsed file, or "": extents must partition the file in order, layers must have the size of their
/// dtype and shape, and opaque bytes need a reason.
inline std::string partition_flaw(const ParsedFile& file, std::uint64_t file_bytes) {
  std::uint64_t at = 0;
  for (const auto& extent : file.extents) {
    const auto where = " at byte " + std::to_string(at);
    if (extent.offset_bytes != at) return "gap or overlap" + where;
    if (extent.length_bytes > file_bytes - at) return "past the end" + where;
    if (!extent.is_layer) {
      if (extent.length_bytes == 0) return "empty glue" + where;
      if (!extent.name.empty() || !extent.shape.empty() || extent.dtype != DType::Bytes)
        return "glue in disguise" + where;
    } else if (layer_bytes(extent.dtype, extent.shape) != extent.length_bytes) {
      return "a layer of a wrong size" + where;
    }
    at += extent.length_bytes;
  }
  if (at != file_bytes) return "ends at byte " + std::to_string(at) + " of " + std::to_string(file_bytes);
  if (file.format == FormatId::Plain && file.extents.size() > 1) return "an opaque file in several pieces";
  if (file.format != FormatId::Plain && file.opaque_reason.empty() != (file.opaque_bytes == 0))
    return "opaque bytes without a reason, or a reason without them";
  if (file.opaque_bytes > file_bytes) return "more opaque bytes than bytes";
  return {};
}

}  // namespace elves::formats
