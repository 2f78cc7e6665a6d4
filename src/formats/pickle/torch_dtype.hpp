#pragma once

#include <optional>
#include <string_view>

#include "elves/dtype.hpp"

namespace elves::formats::torch {

/// The elements of a storage class like "FloatStorage" or "QInt8Storage".
struct StorageClass {
  DType dtype = DType::U8;  ///< of its elements
  bool has_parts = false;   ///< a byte contains several elements of a tensor
};

std::optional<StorageClass> storage_class(std::string_view name);

/// The dtype of torch.float32, torch.bfloat16, ...
std::optional<DType> dtype_from_name(std::string_view name);

}  // namespace elves::formats::torch
