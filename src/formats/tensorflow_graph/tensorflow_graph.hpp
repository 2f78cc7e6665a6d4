#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// TensorFlow graphs: the constants of a SavedModel (saved_model.pb) or a frozen GraphDef (graph.pb), also in
/// functions. The tensor in an attribute `value` has the name of its node (a Const); one in another attribute is
/// NODE/ATTRIBUTE. In a function the name of the function comes first. Tensors in tensor_content are layers, and packed
/// lists (float_val and the like) with as many numbers as the shape. Shorter lists, whose last number is repeated, and
/// numbers stored as varints stay glue. There is no magic number: matches if the first fields are those of a GraphDef
/// or SavedModel and its first nodes are well formed. A file cut short after that matches too. Time is linear in the
/// number of fields, memory in the number of tensors.
extern const Format kTensorflowGraph;

}  // namespace elves::formats
