#pragma once

#include <array>
#include <cstdint>

#include "elves/dtype.hpp"

namespace elves::formats::sniffer {

/// A float type and an alignment: elements begin at offsets that are `phase` modulo their size.
struct FloatKind {
  DType dtype;
  std::uint8_t size_bytes;
  std::uint8_t phase;
};

/// The possible kinds of a range of bytes. A range is labelled with an index into this table, or with kNoFloats.
inline constexpr std::array<FloatKind, 16> kFloatKinds{{
    {DType::F32, 4, 0},
    {DType::F32, 4, 1},
    {DType::F32, 4, 2},
    {DType::F32, 4, 3},
    {DType::BF16, 2, 0},
    {DType::BF16, 2, 1},
    {DType::F16, 2, 0},
    {DType::F16, 2, 1},
    {DType::F64, 8, 0},
    {DType::F64, 8, 1},
    {DType::F64, 8, 2},
    {DType::F64, 8, 3},
    {DType::F64, 8, 4},
    {DType::F64, 8, 5},
    {DType::F64, 8, 6},
    {DType::F64, 8, 7},
}};

using KindIndex = std::uint8_t;
inline constexpr KindIndex kNoFloats = kFloatKinds.size();

/// The first offset >= `offset_bytes` at which an element begins, and the last offset <= `offset_bytes` at which one
/// ends.
constexpr std::uint64_t align_up(const FloatKind& kind, std::uint64_t offset_bytes) {
  return offset_bytes + (kind.size_bytes + kind.phase - offset_bytes % kind.size_bytes) % kind.size_bytes;
}
constexpr std::uint64_t align_down(const FloatKind& kind, std::uint64_t offset_bytes) {
  const auto back = (kind.size_bytes + offset_bytes % kind.size_bytes - kind.phase) % kind.size_bytes;
  return offset_bytes < back ? 0 : offset_bytes - back;
}

}  // namespace elves::formats::sniffer
