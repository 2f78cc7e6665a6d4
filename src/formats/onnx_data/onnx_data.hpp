#pragma once

#include "formats/format.hpp"

namespace elves::formats {

namespace onnx_data {

/// The layers of a file in which ONNX models beside it keep tensors ("external data"): those whose `location` is this
/// file's name. Asks the model that the name suggests (model.onnx for model.onnx.data, model.onnx_data, model.data),
/// then the first 16 *.onnx of the folder, and believes the first that speaks of this file. Names as in the model.
/// Bytes that several tensors share are one layer, the first that is all of them; where there is none, they are glue.
/// A range beyond the end of the file is an Error.
/// Costs a walk through the fields of each model asked, none of which is read whole.
std::optional<Result<Layout>> parse(const ByteSource& file, std::string_view name, const Folder& folder);

}  // namespace onnx_data

inline constexpr Companion kOnnxData{.id = ContainerId::OnnxData, .name = "onnx-data", .parse = onnx_data::parse};

}  // namespace elves::formats
