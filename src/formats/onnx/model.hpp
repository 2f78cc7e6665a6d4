#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "formats/format.hpp"
#include "formats/shared/protobuf/array_list.hpp"

namespace elves::formats::onnx {

/// A TensorProto of a model, as it is in the file: its numbers are not checked against its dtype and shape.
struct Tensor {
  std::string name;
  std::uint64_t data_type = 0;
  std::vector<std::uint64_t> shape;
  protobuf::StoredNumbers numbers{};
  bool is_segment = false;                             ///< it is a part of a tensor
  bool is_external = false;                            ///< its numbers are in another file
  std::map<std::string, std::string> external_data{};  ///< "location", "offset", "length"
};

using VisitTensor = std::function<Result<void>(Tensor&&)>;

/// Calls `visit` for each tensor of a ModelProto, in the order of the file, and stops at its first Error.
/// Names: an initializer has its own name, and the value of a Constant node has the name of the node's output. A tensor
/// in another attribute is NODE/ATTRIBUTE, or NODE/ATTRIBUTE/i in a list; NODE is the name of the node, or its first
/// output if it has no name. A path comes before the name in a subgraph ("If_0/then_branch/conv.weight": NODE/ATTRIBUTE
/// again), in a function (its name) and in a training graph ("training_info/0/algorithm"); paths are cut to
/// kMaxPathBytes. The values of a sparse tensor have its name, and its indices are NAME/indices.
/// Time is linear in the fields of the model. Subgraphs more than 32 deep are an Error, as in libprotobuf.
Result<void> for_each_tensor(const ByteSource& file, const VisitTensor& visit);

}  // namespace elves::formats::onnx
