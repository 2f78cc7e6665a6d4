#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/byte_source.hpp"
#include "formats/shared/zip/zip_directory.hpp"

namespace elves::formats::zip {

/// An Error about an entry.
Error entry_error(const Entry& entry, std::string_view flaw);

/// Reads the local header of an entry from the central directory, and the data descriptor after its data if it has one.
/// Sets the offset of its data and of its checksums, and returns the offset of its end. An Error if the local header is
/// not before `directory_at`, has another name, or if the data passes `directory_at`. Sizes in local headers are not
/// compared, because they are often placeholders: readers trust those of the directory.
Result<std::uint64_t> follow_local(const ByteSource& file, Entry& entry, std::uint64_t directory_at);

/// The names in the first local headers of a zip, as far as their sizes lead to the next one; for a zip whose directory
/// cannot be found.
std::vector<std::string> first_local_names(const ByteSource& file);

}  // namespace elves::formats::zip
