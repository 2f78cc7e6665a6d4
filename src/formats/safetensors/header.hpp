#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "elves/error.hpp"
#include "formats/extent.hpp"

namespace elves::formats::safetensors {

/// The tensors of a header's JSON, offsets moved by `data_offset_bytes` and checked to lie within `data_bytes`.
/// Accepts what the format's specification allows, and unknown keys of a tensor besides; nothing is taken on trust.
Result<std::vector<Extent>> read_header(std::string_view json, std::uint64_t data_offset_bytes,
                                        std::uint64_t data_bytes);

}  // namespace elves::formats::safetensors
