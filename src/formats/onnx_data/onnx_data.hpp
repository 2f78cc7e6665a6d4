#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// External data of ONNX models: the tensors whose `location` is the name of this file. Tries the model that the name
/// suggests (model.onnx for model.onnx.data, model.onnx_data, model.data), then the first 16 *.onnx of the folder, and
/// uses the first model that names this file. Layers have the names of the model's tensors. If several tensors share
/// bytes, the first that covers them all is the layer; without such a tensor they are glue. A range beyond the end of
/// the file is an Error. Costs a walk over the fields of each model tried; none is read whole.
extern const CompanionFormat kOnnxData;

}  // namespace elves::formats
