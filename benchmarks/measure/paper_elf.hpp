#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "elves/dtype.hpp"
#include "encode/transform.hpp"
#include "measure/peers.hpp"

namespace elves::measure {

/// ELF as paper 002 (section 6.1) stores it, modelled: one symbol per value (the sign, then the mantissa bits of |p| +
/// 1) packed without gaps and coded by zstd -3; the positions and values of outliers, not coded. Without guard, at
/// ELF's own error bound.
class PaperElfPeer {
 public:
  /// True for F16, F32 and F64.
  static bool accepts(DType dtype);

  /// Appends the coded form of `raw`, whole elements of a dtype that accepts() takes, to `out`.
  void encode(std::span<const std::byte> raw, DType dtype, std::vector<std::byte>& out);
  /// False if `encoded` is not what encode() made of out.size() bytes.
  bool decode(std::span<const std::byte> encoded, DType dtype, std::span<std::byte> out);

 private:
  ZstdPeer zstd_3_{3};
  encode::Scratch scratch_;
  encode::Split split_;
  std::vector<std::byte> coded_;
};

}  // namespace elves::measure
