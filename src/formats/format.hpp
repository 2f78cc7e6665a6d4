#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "elves/error.hpp"
#include "formats/byte_source.hpp"
#include "formats/extent.hpp"

namespace elves::formats {

/// The result of a parser, before it is checked.
struct FoundExtents {
  /// Layers, and ranges of glue that are stored as extents of their own (is_layer false: an array of an unknown dtype).
  /// In any order and unchecked: partition() sorts and checks them, and fills the gaps with glue.
  std::vector<Extent> extents{};
  std::uint64_t opaque_bytes = 0;  ///< of arrays that stay glue: compressed, or of an unknown dtype
  std::string opaque_reason{};     ///< why; empty if opaque_bytes is 0
};

/// A format whose files contain layers. Each format defines one constant, in its own folder; registry.cpp lists them.
struct Format {
  FormatId id;
  std::string_view name;
  /// True if the content (never the name) is of this format. Cheap: reads a few bytes.
  bool (*matches)(const ByteSource& file);
  /// Finds the layers. Reads headers only, executes nothing, trusts no size. An Error if the file is damaged.
  Result<FoundExtents> (*parse)(const ByteSource& file);
};

/// A format whose files contain numbers alone: another file in the same folder describes them.
struct CompanionFormat {
  FormatId id;
  std::string_view name;
  /// Nothing if no file in the folder describes `file`, which is called `name`. An Error if one does but is damaged, or
  /// does not fit.
  std::optional<Result<FoundExtents>> (*parse)(const ByteSource& file, std::string_view name, const Folder& folder);
};

}  // namespace elves::formats
