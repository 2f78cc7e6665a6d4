#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// safetensors: an 8-byte length n, n bytes of JSON {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0,
/// 24]}}, then the data. Offsets count from the end of the header. A tensor of an unknown dtype is glue. n is at most
/// 100 MB, the limit of the format. Time and memory are linear in n.
extern const Format kSafetensors;

}  // namespace elves::formats
