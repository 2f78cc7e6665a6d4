#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// Serialized ONNX models: the tensors of a ModelProto, initializers (dense and sparse) and attributes of nodes, in all
/// graphs and functions; model.hpp defines their names. Tensors in raw_data, in packed float_data or double_data, and
/// packed lists of floats in attributes are layers. Numbers stored as varints or one by one, types of four bits and
/// segments stay glue. A tensor in another file (external data) is no layer of this one: that file is "onnx-data".
/// There is no magic number: matches if the first fields are those of a ModelProto, in any order, with a graph whose
/// first node or initializer is well formed. A file cut short after that matches too.
/// Time is linear in the number of fields, memory in the number of tensors.
extern const Format kOnnx;

}  // namespace elves::formats
