#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace elves {

/// Element type of a layer. The numbers are stored in archives.
/// `Bytes` is glue. Little endian in memory and on disk, as in all supported formats.
/// The types from Q4_0 on are blocks of quantized numbers as GGUF has them: a few bytes hold 32, 64 or 256 elements.
enum class DType : std::uint8_t {
  Bytes = 0,
  Bool = 1,
  U8 = 2,
  I8 = 3,
  U16 = 4,
  I16 = 5,
  U32 = 6,
  I32 = 7,
  U64 = 8,
  I64 = 9,
  F16 = 10,
  BF16 = 11,
  F32 = 12,
  F64 = 13,
  F8E4M3 = 14,
  F8E5M2 = 15,
  C64 = 16,   ///< complex of two F32
  C128 = 17,  ///< complex of two F64
  F8E4M3FNUZ = 18,
  F8E5M2FNUZ = 19,
  F8E8M0 = 20,  ///< an exponent alone: the scale of a block
  C32 = 21,     ///< complex of two F16
  Q4_0 = 22,
  Q4_1 = 23,
  Q5_0 = 24,
  Q5_1 = 25,
  Q8_0 = 26,
  Q8_1 = 27,
  Q2_K = 28,
  Q3_K = 29,
  Q4_K = 30,
  Q5_K = 31,
  Q6_K = 32,
  Q8_K = 33,
  IQ2_XXS = 34,
  IQ2_XS = 35,
  IQ3_XXS = 36,
  IQ1_S = 37,
  IQ4_NL = 38,
  IQ3_S = 39,
  IQ2_S = 40,
  IQ4_XS = 41,
  IQ1_M = 42,
  TQ1_0 = 43,
  TQ2_0 = 44,
  MXFP4 = 45,
};

inline constexpr std::uint8_t kDTypeCount = 46;

/// Bytes of one element, or of one block of a block type. At least 1.
std::size_t size_bytes(DType dtype) noexcept;

/// Elements of one block; 1 where the type has no blocks.
std::size_t block_elements(DType dtype) noexcept;

/// The name that reports, `elves-ls` and docs/format/archive.md use, for example "f32".
std::string_view name(DType dtype) noexcept;

bool is_float(DType dtype) noexcept;

/// The dtype with this stored number; nothing if this build does not know it.
std::optional<DType> dtype_from_number(std::uint8_t number) noexcept;

}  // namespace elves
