#pragma once

#include <cstdint>
#include <vector>

#include "elves/error.hpp"
#include "formats/extent.hpp"

namespace elves::formats {

/// Sorts the extents that a parser found in a file of `file_bytes` and fills the gaps between them with glue: the
/// result partitions the file. An Error if an extent passes the end of the file or overlaps another, or if the length
/// of a layer is not the one of its dtype and shape.
Result<std::vector<Extent>> partition(std::vector<Extent> found, std::uint64_t file_bytes);

}  // namespace elves::formats
