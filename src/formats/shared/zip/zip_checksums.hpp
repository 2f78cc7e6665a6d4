#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "formats/format.hpp"

namespace elves::formats::zip {

struct ByteRange {
  std::uint64_t offset_bytes = 0;
  std::uint64_t size_bytes = 0;
};

/// A CRC-32 to write into a file.
struct Patch {
  std::uint64_t offset_bytes = 0;
  std::array<std::byte, 4> bytes{};
};

/// True for formats that are zips, and so store a CRC-32 of each entry.
bool has_checksums(FormatId id) noexcept;

/// The patches, sorted, that correct the CRC-32 of all stored entries with bytes in `changed` (ranges of the file,
/// sorted and disjoint); up to three for an entry. Entries of zips inside the zip are not touched. Reads the directory
/// and these entries, 4 MiB at a time. An Error if the directory is damaged or a read fails.
Result<std::vector<Patch>> recompute_checksums(const ByteSource& file, std::span<const ByteRange> changed);

/// All ranges, sorted, that contain the CRC-32 of a stored entry: the bytes that recompute_checksums may change. The
/// same before and after such a change. Empty for a file that is no zip.
std::vector<ByteRange> checksum_fields(const ByteSource& file);

}  // namespace elves::formats::zip
