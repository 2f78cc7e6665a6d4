#include "formats/pickle/torch_dtype.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace elves::formats::torch {
namespace {

using Name = std::string_view;

constexpr std::array kClasses{
    std::pair{Name("DoubleStorage"), StorageClass{DType::F64}},
    std::pair{Name("FloatStorage"), StorageClass{DType::F32}},
    std::pair{Name("HalfStorage"), StorageClass{DType::F16}},
    std::pair{Name("BFloat16Storage"), StorageClass{DType::BF16}},
    std::pair{Name("LongStorage"), StorageClass{DType::I64}},
    std::pair{Name("IntStorage"), StorageClass{DType::I32}},
    std::pair{Name("ShortStorage"), StorageClass{DType::I16}},
    std::pair{Name("CharStorage"), StorageClass{DType::I8}},
    std::pair{Name("ByteStorage"), StorageClass{DType::U8}},
    std::pair{Name("BoolStorage"), StorageClass{DType::Bool}},
    std::pair{Name("ComplexDoubleStorage"), StorageClass{DType::C128}},
    std::pair{Name("ComplexFloatStorage"), StorageClass{DType::C64}},
    std::pair{Name("ComplexHalfStorage"), StorageClass{DType::C32}},
    std::pair{Name("QInt8Storage"), StorageClass{DType::I8}},
    std::pair{Name("QUInt8Storage"), StorageClass{DType::U8}},
    std::pair{Name("QInt32Storage"), StorageClass{DType::I32}},
    std::pair{Name("QUInt4x2Storage"), StorageClass{DType::U8, true}},
    std::pair{Name("QUInt2x4Storage"), StorageClass{DType::U8, true}},
    std::pair{Name("UntypedStorage"), StorageClass{DType::U8}},
    std::pair{Name("_UntypedStorage"), StorageClass{DType::U8}},
};

constexpr std::array kDTypes{
    std::pair{Name("float64"), DType::F64},
    std::pair{Name("double"), DType::F64},
    std::pair{Name("float32"), DType::F32},
    std::pair{Name("float"), DType::F32},
    std::pair{Name("float16"), DType::F16},
    std::pair{Name("half"), DType::F16},
    std::pair{Name("bfloat16"), DType::BF16},
    std::pair{Name("int64"), DType::I64},
    std::pair{Name("long"), DType::I64},
    std::pair{Name("int32"), DType::I32},
    std::pair{Name("int"), DType::I32},
    std::pair{Name("int16"), DType::I16},
    std::pair{Name("short"), DType::I16},
    std::pair{Name("int8"), DType::I8},
    std::pair{Name("uint8"), DType::U8},
    std::pair{Name("uint16"), DType::U16},
    std::pair{Name("uint32"), DType::U32},
    std::pair{Name("uint64"), DType::U64},
    std::pair{Name("bool"), DType::Bool},
    std::pair{Name("complex32"), DType::C32},
    std::pair{Name("chalf"), DType::C32},
    std::pair{Name("complex64"), DType::C64},
    std::pair{Name("cfloat"), DType::C64},
    std::pair{Name("complex128"), DType::C128},
    std::pair{Name("cdouble"), DType::C128},
    std::pair{Name("qint8"), DType::I8},
    std::pair{Name("quint8"), DType::U8},
    std::pair{Name("qint32"), DType::I32},
    std::pair{Name("float8_e4m3fn"), DType::F8E4M3},
    std::pair{Name("float8_e5m2"), DType::F8E5M2},
    std::pair{Name("float8_e4m3fnuz"), DType::F8E4M3FNUZ},
    std::pair{Name("float8_e5m2fnuz"), DType::F8E5M2FNUZ},
    std::pair{Name("float8_e8m0fnu"), DType::F8E8M0},
    // Bytes that contain smaller numbers; shapes count the bytes.
    std::pair{Name("float4_e2m1fn_x2"), DType::U8},
    std::pair{Name("bits8"), DType::U8},
    std::pair{Name("bits16"), DType::U16},
};

template <class Table>
auto look_up(const Table& table, Name name) {
  const auto row = std::find_if(table.begin(), table.end(), [&](const auto& each) { return each.first == name; });
  return row == table.end() ? std::nullopt : std::optional(row->second);
}

}  // namespace

std::optional<StorageClass> storage_class(std::string_view name) {
  return look_up(kClasses, name);
}

std::optional<DType> dtype_from_name(std::string_view name) {
  return look_up(kDTypes, name);
}

}  // namespace elves::formats::torch
