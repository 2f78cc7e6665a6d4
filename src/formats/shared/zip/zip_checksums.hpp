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

/// Four bytes to write into a file.
struct Patch {
  std::uint64_t offset_bytes = 0;
  std::array<std::byte, 4> bytes{};
};

/// True for the containers that are zips, and so have a CRC-32 of each file in them.
bool has_checksums(ContainerId id) noexcept;

/// The patches, sorted, that make the CRC-32 right again of all stored entries that have bytes in `changed` (ranges of
/// the file: sorted, disjoint), up to three for an entry. Entries are those of `file`, not of zips inside it. Reads the
/// directory and these entries, 4 MiB at a time. An Error where the directory is damaged or a read fails.
Result<std::vector<Patch>> recompute_checksums(const ByteSource& file, std::span<const ByteRange> changed);

/// All ranges, sorted, that hold the CRC-32 of a stored entry: what recompute_checksums may change. Empty for a file
/// that is no zip. The same before and after such a change.
std::vector<ByteRange> checksum_fields(const ByteSource& file);

}  // namespace elves::formats::zip
