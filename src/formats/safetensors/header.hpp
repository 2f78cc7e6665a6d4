#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "elves/error.hpp"
#include "formats/extent.hpp"

namespace elves::formats::safetensors {

/// The tensors in the JSON of a header. Their offsets count from `data_offset_bytes` and are checked against
/// `data_bytes`, the size of the data. Accepts what the specification of the format allows, and unknown keys of a
/// tensor.
Result<std::vector<Extent>> read_header(std::string_view json, std::uint64_t data_offset_bytes,
                                        std::uint64_t data_bytes);

}  // namespace elves::formats::safetensors
