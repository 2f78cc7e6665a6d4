#pragma once

#include "formats/format.hpp"

namespace elves::formats {

namespace onnx {

/// The format has no magic number. True where the fields of a ModelProto come first, in any order, then a graph whose
/// first node or initializer is one; a file cut short after that is recognized too.
bool recognizes(const ByteSource& file);

/// Finds the tensors of a serialized ModelProto (initializers, dense and sparse, and attributes of nodes, in all graphs
/// and functions; model.hpp has their names). Layers are those in raw_data, packed float_data and double_data, and
/// packed lists of floats in attributes. Numbers stored as varints or one by one, types of four bits and segments
/// stay glue. What lies in another file (external data) is no layer of this one: that file is "onnx-data".
/// Time is linear in the number of fields, memory in that of tensors.
Result<Layout> parse(const ByteSource& file);

}  // namespace onnx

inline constexpr Container kOnnx{
    .id = ContainerId::Onnx, .name = "onnx", .recognizes = onnx::recognizes, .parse = onnx::parse};

}  // namespace elves::formats
