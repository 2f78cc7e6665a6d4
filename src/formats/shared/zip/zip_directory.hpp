#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/format.hpp"

namespace elves::formats::zip {

/// One file in a zip. The place of its bytes is checked against its local header and against all other entries.
struct Entry {
  bool is_encrypted() const { return (flags & 1) != 0; }
  /// True if the bytes of the file are in the zip as they are.
  bool is_stored() const { return method == 0 && !is_encrypted(); }

  std::string name;  ///< any bytes
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
  std::uint32_t crc = 0;
  std::uint64_t compressed_bytes = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t header_offset_bytes = 0;
  std::uint64_t data_offset_bytes = 0;
  /// Offsets of the CRC-32 in the zip. The local header has none if a data descriptor follows the data.
  std::uint64_t directory_crc_at = 0;
  std::optional<std::uint64_t> local_crc_at;
  std::optional<std::uint64_t> descriptor_crc_at;
};

/// The entries in the order of the central directory, also of a zip64 and of a zip with a comment. Inflates nothing. An
/// Error for a file that is cut short, entries that overlap each other or the directory, impossible sizes or counts,
/// local headers with other names, and zips of several disks. Costs two small reads an entry besides the directory.
Result<std::vector<Entry>> read_directory(const ByteSource& file);

/// The first names in a zip.
struct Names {
  std::vector<std::string> names;
  bool complete = false;  ///< these are all names
};

/// For recognition: the names in the first 256 KiB of the directory. If the end of the zip is missing or damaged, the
/// names in the first local headers. None if `file` does not begin like a zip. Checks nothing else.
Names first_names(const ByteSource& file);

}  // namespace elves::formats::zip
