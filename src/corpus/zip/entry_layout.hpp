#pragma once

#include "corpus/container.hpp"
#include "corpus/zip/zip_directory.hpp"

namespace elves::corpus::zip {

/// Moves extents that a parser found in the bytes of a stored entry to where they lie in the zip. An Error where one
/// passes the end of the entry: another entry's bytes are none of its business.
Result<void> move_into_zip(Layout& layout, const Entry& entry);

}  // namespace elves::corpus::zip
