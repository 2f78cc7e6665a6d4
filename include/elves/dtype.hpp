#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace elves {

/// Element type of a layer. The numbers are stored in archives: never renumbered, only added.
/// `Bytes` is glue and anything opaque. Little endian in memory and on disk, as in all supported containers.
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
};

inline constexpr std::uint8_t kDTypeCount = 18;

/// Bytes of one element, at least 1.
std::size_t size_bytes(DType dtype) noexcept;

/// The name that reports, `elves-ls` and docs/format.md use, for example "f32".
std::string_view name(DType dtype) noexcept;

bool is_float(DType dtype) noexcept;

/// The dtype of a number read from storage; nothing where this build does not know it.
std::optional<DType> dtype_from_number(std::uint8_t number) noexcept;

}  // namespace elves
