#pragma once

#include "formats/byte_source.hpp"

namespace elves::formats::onnx {

/// True if a file begins like a ModelProto; see kOnnx.
bool matches(const ByteSource& file);

}  // namespace elves::formats::onnx
