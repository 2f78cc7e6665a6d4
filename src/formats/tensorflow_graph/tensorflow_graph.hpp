#pragma once

#include "formats/format.hpp"

namespace elves::formats {

namespace tensorflow {

/// There is no magic number. True where the file begins as a GraphDef (a frozen graph.pb) or a SavedModel
/// (saved_model.pb) does, and its first nodes are nodes; a file cut short after that is recognized too.
bool recognizes(const ByteSource& file);

/// Finds the constants of a graph and of its functions: the tensor in an attribute `value` has its node's name (that is
/// a Const), one in another attribute NODE/ATTRIBUTE; in a function they stand below the function's name. Layers are
/// those in tensor_content, and packed float_val and the like with as many numbers as the shape says. A list with
/// fewer (its last number fills the rest), and numbers stored as varints, stay glue.
/// Time is linear in the number of fields, memory in that of tensors.
Result<Layout> parse(const ByteSource& file);

}  // namespace tensorflow

inline constexpr Container kTensorflowGraph{.id = ContainerId::TensorflowGraph,
                                            .name = "tensorflow-graph",
                                            .recognizes = tensorflow::recognizes,
                                            .parse = tensorflow::parse};

}  // namespace elves::formats
