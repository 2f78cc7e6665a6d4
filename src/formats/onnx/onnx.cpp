#include "formats/onnx/onnx.hpp"

#include <utility>

#include "formats/onnx/data_type.hpp"
#include "formats/onnx/fields.hpp"
#include "formats/onnx/model.hpp"
#include "formats/onnx/recognize.hpp"
#include "formats/shared/protobuf/array_list.hpp"
#include "support/try.hpp"

namespace elves::formats::onnx {
namespace {

/// True if this field contains the numbers of a type as they are in memory.
bool is_plain(Number field, std::uint64_t type) {
  switch (field) {
    case tensor::kRawData:
      return true;
    case tensor::kFloatData:
      return type == data_type::kFloat || type == data_type::kComplex64;
    case tensor::kDoubleData:
      return type == data_type::kDouble || type == data_type::kComplex128;
    default:
      return false;
  }
}

Result<FoundExtents> parse(const ByteSource& file) {
  protobuf::ArrayList arrays;
  ELVES_CHECK(for_each_tensor(file, [&](Tensor&& tensor) -> Result<void> {
    if (tensor.is_external || tensor.data_type == data_type::kString) return {};
    arrays.add(tensor.numbers, !tensor.is_segment && is_plain(tensor.numbers.field, tensor.data_type),
               dtype_of(tensor.data_type), std::move(tensor.name), std::move(tensor.shape));
    return {};
  }));
  return arrays.take_found();
}

}  // namespace

}  // namespace elves::formats::onnx

namespace elves::formats {

constinit const Format kOnnx{.id = FormatId::Onnx, .name = "onnx", .matches = onnx::matches, .parse = onnx::parse};

}  // namespace elves::formats
