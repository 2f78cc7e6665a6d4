#pragma once

#include "formats/format.hpp"
#include "formats/shared/zip/zip_directory.hpp"

namespace elves::formats::zip {

/// Moves extents that a parser found in the bytes of a stored entry to where they lie in the zip. An Error where one
/// passes the end of the entry: another entry's bytes are none of its business.
Result<void> move_into_zip(Layout& layout, const Entry& entry);

}  // namespace elves::formats::zip
