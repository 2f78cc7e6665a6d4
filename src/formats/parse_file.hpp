#pragma once

#include <string_view>

#include "formats/format.hpp"

namespace elves::formats {

/// The name of a file and its folder. Without a folder, formats that another file describes are not tried.
struct FilePlace {
  std::string_view name;
  const Folder* folder = nullptr;
};

/// Finds the extents of a file by its content: tries all formats, then those that another file describes, then searches
/// for runs of floats. Cannot fail: a damaged file is one extent of glue, and opaque_reason says why. Reads headers
/// only, executes nothing, trusts no size.
ParsedFile parse_file(const ByteSource& file, const FilePlace& place = {});

/// The result of one parser, checked and partitioned, whether or not the file matches its format.
ParsedFile parse_as(const Format& format, const ByteSource& file);

}  // namespace elves::formats
