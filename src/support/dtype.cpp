#include "elves/dtype.hpp"

#include <array>

namespace elves {
namespace {

struct Row {
  std::string_view name;
  std::size_t size_bytes;
  bool is_float;
  std::size_t block_elements = 1;
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
    {"f8_e4m3fnuz", 1, true},
    {"f8_e5m2fnuz", 1, true},
    {"f8_e8m0", 1, true},
    {"c32", 4, true},
    {"q4_0", 18, false, 32},
    {"q4_1", 20, false, 32},
    {"q5_0", 22, false, 32},
    {"q5_1", 24, false, 32},
    {"q8_0", 34, false, 32},
    {"q8_1", 36, false, 32},
    {"q2_k", 84, false, 256},
    {"q3_k", 110, false, 256},
    {"q4_k", 144, false, 256},
    {"q5_k", 176, false, 256},
    {"q6_k", 210, false, 256},
    {"q8_k", 292, false, 256},
    {"iq2_xxs", 66, false, 256},
    {"iq2_xs", 74, false, 256},
    {"iq3_xxs", 98, false, 256},
    {"iq1_s", 50, false, 256},
    {"iq4_nl", 18, false, 32},
    {"iq3_s", 110, false, 256},
    {"iq2_s", 82, false, 256},
    {"iq4_xs", 136, false, 256},
    {"iq1_m", 56, false, 256},
    {"tq1_0", 54, false, 256},
    {"tq2_0", 66, false, 256},
    {"mxfp4", 17, false, 32},
}};

const Row& row(DType dtype) noexcept {
  return kRows[static_cast<std::uint8_t>(dtype)];
}

}  // namespace

std::size_t size_bytes(DType dtype) noexcept {
  return row(dtype).size_bytes;
}
std::size_t block_elements(DType dtype) noexcept {
  return row(dtype).block_elements;
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
