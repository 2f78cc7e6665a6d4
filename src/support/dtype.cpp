#include "elves/dtype.hpp"

#include <array>

namespace elves {
namespace {

struct Row {
  std::string_view name;
  std::size_t size_bytes;
  bool is_float;
};

constexpr std::array<Row, kDTypeCount> kRows{{
    {"bytes", 1, false},
    {"bool", 1, false},
    {"u8", 1, false},
    {"i8", 1, false},
    {"u16", 2, false},
    {"i16", 2, false},
    {"u32", 4, false},
    {"i32", 4, false},
    {"u64", 8, false},
    {"i64", 8, false},
    {"f16", 2, true},
    {"bf16", 2, true},
    {"f32", 4, true},
    {"f64", 8, true},
    {"f8_e4m3", 1, true},
    {"f8_e5m2", 1, true},
    {"c64", 8, true},
    {"c128", 16, true},
}};

const Row& row(DType dtype) noexcept {
  return kRows[static_cast<std::uint8_t>(dtype)];
}

}  // namespace

std::size_t size_bytes(DType dtype) noexcept {
  return row(dtype).size_bytes;
}
std::string_view name(DType dtype) noexcept {
  return row(dtype).name;
}
bool is_float(DType dtype) noexcept {
  return row(dtype).is_float;
}

std::optional<DType> dtype_from_number(std::uint8_t number) noexcept {
  if (number >= kDTypeCount) return std::nullopt;
  return static_cast<DType>(number);
}

}  // namespace elves
