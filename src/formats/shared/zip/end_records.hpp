#pragma once

#include <cstdint>

#include "formats/byte_source.hpp"

namespace elves::formats::zip {

/// The place of the central directory of a zip.
struct DirectoryPlace {
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
  std::uint64_t n_entries = 0;
};

/// Finds the last end record that fits its place (a comment may contain bytes that look like one), follows its zip64
/// record if it has one, and checks that the directory ends where the end record begins. An Error if there is no such
/// record. Reads at most the last 64 KiB of the file.
Result<DirectoryPlace> find_directory(const ByteSource& file);

}  // namespace elves::formats::zip
