#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "formats/format.hpp"
#include "formats/shared/protobuf/array_list.hpp"

namespace elves::formats::onnx {

/// A TensorProto of a model, as the file describes it: nothing is checked against its dtype and shape.
struct Tensor {
  std::string name;
  std::uint64_t data_type = 0;
  std::vector<std::uint64_t> shape;
  protobuf::StoredNumbers numbers{};
  bool is_segment = false;                             ///< a part of a tensor
  bool is_external = false;                            ///< its numbers are in another file
  std::map<std::string, std::string> external_data{};  ///< "location", "offset", "length"
};

using VisitTensor = std::function<Result<void>(Tensor&&)>;

/// Calls `visit` for each tensor of a ModelProto, in the order of the file, and stops at its first Error.
/// An initializer has its own name, and the value of a Constant node that of the node's output. What lies in another
/// attribute is NODE/ATTRIBUTE, or NODE/ATTRIBUTE/i in a list; NODE is the node's name, or its first output where it
/// has none. These stand below a path in a subgraph ("If_0/then_branch/conv.weight": NODE/ATTRIBUTE again), in a
/// function (its name) and in a training graph ("training_info/0/algorithm"); paths are cut to kMaxPathBytes. A sparse
/// tensor is its values; NAME/indices are its indices.
/// Time is linear in the fields of the model. Subgraphs more than 32 deep are an Error; libprotobuf reads none either.
Result<void> for_each_tensor(const ByteSource& file, const VisitTensor& visit);

}  // namespace elves::formats::onnx
