#pragma once

#include "formats/format.hpp"
#include "formats/shared/zip/zip_directory.hpp"

namespace elves::formats::zip {

/// Turns extents that a parser found in the bytes of a stored entry into extents of the zip. An Error if one passes the
/// end of the entry: it must not reach the bytes of another entry.
Result<void> move_into_zip(FoundExtents& found, const Entry& entry);

}  // namespace elves::formats::zip
