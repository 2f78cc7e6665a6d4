#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// TensorFlow graphs: the constants of a SavedModel or of a frozen GraphDef, with the names of their nodes, which may
/// be in a function of the library. Constants in tensor_content or in packed lists of floats, doubles or complex
/// numbers are layers. Other lists of numbers, and constants whose content does not fit their shape, stay glue. There
/// is no magic number: matches if the first fields are those of a SavedModel whose graph, or of a GraphDef, that begins
/// with well-formed nodes. A file cut short after that matches too. Time is linear in the number of fields, memory in
/// the number of constants.
extern const Format kTensorflowGraph;

}  // namespace elves::formats
