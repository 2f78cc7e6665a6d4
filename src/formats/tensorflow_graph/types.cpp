#include "formats/tensorflow_graph/types.hpp"

#include <array>
#include <string>

#include "support/try.hpp"

namespace elves::formats::tensorflow {
namespace {

using protobuf::for_each_field;
using protobuf::WireField;
using protobuf::WireType;

constexpr std::size_t kMaxDimensions = 254;  // TensorFlow's own limit

/// By number; Bytes for types that are no numbers. Quantized types are stored as plain integers.
constexpr std::array kDTypes{
    DType::Bytes, DType::F32, DType::F64, DType::I32,    DType::U8,     DType::I16, DType::I8,
    DType::Bytes, DType::C64, DType::I64, DType::Bool,   DType::I8,     DType::U8,  DType::I32,
    DType::BF16,  DType::I16, DType::U16, DType::U16,    DType::C128,   DType::F16, DType::Bytes,
    DType::Bytes, DType::U32, DType::U64, DType::F8E5M2, DType::F8E4M3,
};
static_assert(kDTypes.size() == data_type::kFloat8E4M3 + 1 && kDTypes[data_type::kComplex128] == DType::C128);

/// Field numbers of tensor_shape.proto.
constexpr std::uint32_t kDim = 2, kUnknownRank = 3, kSize = 1;

}  // namespace

std::optional<DType> dtype_of(std::uint64_t data_type) {
  if (data_type >= kDTypes.size() || kDTypes[data_type] == DType::Bytes) return std::nullopt;
  return kDTypes[data_type];
}

Result<std::vector<std::uint64_t>> read_shape(SourceCursor& file, protobuf::ByteRange message) {
  std::vector<std::uint64_t> shape;
  ELVES_CHECK(for_each_field(file, message, [&](const WireField& field) -> Result<void> {
    if (field.is(kUnknownRank, WireType::Varint) && field.value != 0) return Error{"a tensor has an unknown shape"};
    if (!field.is(kDim, WireType::Bytes)) return {};
    if (shape.size() == kMaxDimensions) return Error{"a tensor has more than 254 dimensions"};
    shape.push_back(0);
    return for_each_field(file, field.range, [&](const WireField& of_dim) -> Result<void> {
      if (of_dim.is(kSize, WireType::Varint)) shape.back() = of_dim.value;
      return {};
    });
  }));
  return shape;
}

}  // namespace elves::formats::tensorflow
