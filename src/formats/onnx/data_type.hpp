#pragma once

#include <cstdint>
#include <optional>

#include "elves/dtype.hpp"

/// Numbers of onnx.proto's TensorProto.DataType.
namespace elves::formats::onnx {

namespace data_type {
inline constexpr std::uint64_t kFloat = 1, kString = 8, kDouble = 11, kComplex64 = 14, kComplex128 = 15;
}

/// Nothing for unknown types and for types without whole bytes (strings, four bits an element).
std::optional<DType> dtype_of(std::uint64_t data_type);

}  // namespace elves::formats::onnx
