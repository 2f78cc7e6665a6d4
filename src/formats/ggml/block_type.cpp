#include "formats/ggml/block_type.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "formats/format.hpp"
#include "support/checked.hpp"

namespace elves::formats::ggml {
namespace {

struct Named {
  std::uint32_t number;
  DType dtype;
};

// 4 and 5 were removed before GGUF; 31-33 and 36-38 were variants of others, repacked for one kind of CPU each.
constexpr std::array kNamed{
    Named{0, DType::F32},      Named{1, DType::F16},     Named{2, DType::Q4_0},     Named{3, DType::Q4_1},
    Named{6, DType::Q5_0},     Named{7, DType::Q5_1},    Named{8, DType::Q8_0},     Named{9, DType::Q8_1},
    Named{10, DType::Q2_K},    Named{11, DType::Q3_K},   Named{12, DType::Q4_K},    Named{13, DType::Q5_K},
    Named{14, DType::Q6_K},    Named{15, DType::Q8_K},   Named{16, DType::IQ2_XXS}, Named{17, DType::IQ2_XS},
    Named{18, DType::IQ3_XXS}, Named{19, DType::IQ1_S},  Named{20, DType::IQ4_NL},  Named{21, DType::IQ3_S},
    Named{22, DType::IQ2_S},   Named{23, DType::IQ4_XS}, Named{24, DType::I8},      Named{25, DType::I16},
    Named{26, DType::I32},     Named{27, DType::I64},    Named{28, DType::F64},     Named{29, DType::IQ1_M},
    Named{30, DType::BF16},    Named{34, DType::TQ1_0},  Named{35, DType::TQ2_0},   Named{39, DType::MXFP4},
};

struct Numbered {
  std::uint32_t number;
  BlockType type;
};

constexpr std::array kUnnamed{
    Numbered{40, {.elements = 64, .bytes = 36}},  // NVFP4
};

// Q4_0, Q4_1, Q4_2, Q4_3, Q5_0, Q5_1, Q8_0, Q8_1
constexpr std::array kOld{
    Numbered{0, {.elements = 1, .bytes = 4, .dtype = DType::F32}},
    Numbered{1, {.elements = 1, .bytes = 2, .dtype = DType::F16}},
    Numbered{2, {.elements = 32, .bytes = 20}},
    Numbered{3, {.elements = 32, .bytes = 24}},
    Numbered{4, {.elements = 16, .bytes = 10}},
    Numbered{5, {.elements = 16, .bytes = 12}},
    Numbered{6, {.elements = 32, .bytes = 22}},
    Numbered{7, {.elements = 32, .bytes = 24}},
    Numbered{8, {.elements = 32, .bytes = 36}},
    Numbered{9, {.elements = 32, .bytes = 40}},
};

template <class Table>
auto find(const Table& table, std::uint32_t number) {
  const auto* row = std::find_if(table.begin(), table.end(), [&](const auto& each) { return each.number == number; });
  return row == table.end() ? nullptr : row;
}

}  // namespace

std::optional<BlockType> block_type(std::uint32_t number, Scales scales) {
  if (scales == Scales::F32) {
    const auto* old = find(kOld, number);
    return old == nullptr ? std::nullopt : std::optional(old->type);
  }
  if (const auto* named = find(kNamed, number)) {
    return BlockType{.elements = static_cast<std::uint32_t>(block_elements(named->dtype)),
                     .bytes = static_cast<std::uint32_t>(size_bytes(named->dtype)),
                     .dtype = named->dtype};
  }
  const auto* unnamed = find(kUnnamed, number);
  return unnamed == nullptr ? std::nullopt : std::optional(unnamed->type);
}

Result<Extent> array_of(const BlockType& type, std::span<const std::uint64_t> dims) {
  const auto row = dims.empty() ? 1 : dims.front();
  if (row % type.elements != 0) {
    return Error{fmt::format("has rows of {} elements, but blocks of {}", row, type.elements)};
  }
  Extent array{.is_layer = true, .dtype = type.dtype.value_or(DType::U8), .shape = {dims.rbegin(), dims.rend()}};
  std::optional<std::uint64_t> bytes = 0;
  if (!type.dtype) {
    bytes = checked_mul<std::uint64_t>(row / type.elements, type.bytes);
    array.shape.back() = bytes.value_or(0);
  }
  if (bytes) bytes = layer_bytes(array.dtype, array.shape);
  if (!bytes) return Error{"has a shape whose size overflows"};
  array.length_bytes = *bytes;
  return array;
}

}  // namespace elves::formats::ggml
