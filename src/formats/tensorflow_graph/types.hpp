#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "elves/dtype.hpp"
#include "formats/shared/protobuf/wire_reader.hpp"

/// What TensorFlow's messages have in common.
namespace elves::formats::tensorflow {

/// Numbers of types.proto's DataType that decide how a tensor is stored.
namespace data_type {
inline constexpr std::uint64_t kFloat = 1, kDouble = 2, kString = 7, kComplex64 = 8, kComplex128 = 18, kFloat8E5M2 = 24,
                               kFloat8E4M3 = 25;
}

/// Nothing for types that this build does not know, and for those that are no numbers (strings, resources, variants).
std::optional<DType> dtype_of(std::uint64_t data_type);

/// Reads a TensorShapeProto; an Error where a dimension is not known.
Result<std::vector<std::uint64_t>> read_shape(SourceCursor& file, protobuf::ByteRange message);

}  // namespace elves::formats::tensorflow
