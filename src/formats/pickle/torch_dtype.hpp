#pragma once

#include <optional>
#include <string_view>

#include "elves/dtype.hpp"

namespace elves::formats::torch {

/// What a storage class like "FloatStorage" or "QInt8Storage" holds.
struct StorageClass {
  DType dtype = DType::U8;  ///< of its elements
  bool has_parts = false;   ///< a byte holds several elements of a tensor
};

std::optional<StorageClass> storage_class(std::string_view name);

/// Of torch.float32, torch.bfloat16, ...
std::optional<DType> dtype_from_name(std::string_view name);

}  // namespace elves::formats::torch
