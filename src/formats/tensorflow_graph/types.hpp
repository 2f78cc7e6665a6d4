#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "elves/dtype.hpp"
#include "formats/shared/protobuf/wire_reader.hpp"

/// Types and shapes in TensorFlow's messages.
namespace elves::formats::tensorflow {

/// Numbers of DataType in types.proto that decide how a tensor is stored.
namespace data_type {
inline constexpr std::uint64_t kFloat = 1, kDouble = 2, kString = 7, kComplex64 = 8, kComplex128 = 18, kFloat8E5M2 = 24,
                               kFloat8E4M3 = 25;
}

/// Nothing for unknown types and for types that are no numbers (strings, resources, variants).
std::optional<DType> dtype_of(std::uint64_t data_type);

/// Reads a TensorShapeProto; an Error if its rank is unknown or more than 254.
Result<std::vector<std::uint64_t>> read_shape(SourceCursor& file, protobuf::ByteRange message);

}  // namespace elves::formats::tensorflow
