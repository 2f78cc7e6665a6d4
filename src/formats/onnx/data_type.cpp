#include "formats/onnx/data_type.hpp"

#include <array>

namespace elves::formats::onnx {
namespace {

/// By number; Bytes for numbers without an array of whole bytes (0, strings, four bits an element).
constexpr std::array kDTypes{
    DType::Bytes, DType::F32,   DType::U8,    DType::I8,     DType::U16,        DType::I16,    DType::I32,
    DType::I64,   DType::Bytes, DType::Bool,  DType::F16,    DType::F64,        DType::U32,    DType::U64,
    DType::C64,   DType::C128,  DType::BF16,  DType::F8E4M3, DType::F8E4M3FNUZ, DType::F8E5M2, DType::F8E5M2FNUZ,
    DType::Bytes, DType::Bytes, DType::Bytes, DType::F8E8M0,
};
static_assert(kDTypes.size() == 25 && kDTypes[data_type::kFloat] == DType::F32 &&
              kDTypes[data_type::kComplex128] == DType::C128);

}  // namespace

std::optional<DType> dtype_of(std::uint64_t data_type) {
  if (data_type >= kDTypes.size() || kDTypes[data_type] == DType::Bytes) return std::nullopt;
  return kDTypes[data_type];
}

}  // namespace elves::formats::onnx
