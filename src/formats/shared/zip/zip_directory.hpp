#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/format.hpp"

namespace elves::formats::zip {

/// One file in a zip. Where its bytes lie is checked against the local header and against all other entries.
struct Entry {
  bool is_encrypted() const { return (flags & 1) != 0; }
  /// True where the bytes of the file lie in the zip as they are.
  bool is_stored() const { return method == 0 && !is_encrypted(); }

  std::string name;  ///< as it is written: any bytes
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
  std::uint32_t crc = 0;
  std::uint64_t compressed_bytes = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t header_offset_bytes = 0;
  std::uint64_t data_offset_bytes = 0;
  /// Where in the zip the CRC-32 stands. The local header has none where a data descriptor follows the data.
  std::uint64_t directory_crc_at = 0;
  std::optional<std::uint64_t> local_crc_at;
  std::optional<std::uint64_t> descriptor_crc_at;
};

/// The entries in the order of the central directory, also of a zip64 and behind a comment. Inflates nothing. An Error
/// for a file that is cut short, entries that overlap each other or the directory, sizes or counts that cannot be,
/// local headers of other names, and zips of several disks. Costs two small reads an entry besides the directory.
Result<std::vector<Entry>> read_directory(const ByteSource& file);

/// The names that a zip shows first.
struct Names {
  std::vector<std::string> names;
  bool complete = false;  ///< no others follow
};

/// For recognition: names from the first 256 KiB of the directory; of a zip whose end is missing or damaged, those of
/// the first local headers; none where `file` does not begin as a zip does. Checks nothing else.
Names first_names(const ByteSource& file);

}  // namespace elves::formats::zip
