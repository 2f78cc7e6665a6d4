#pragma once

#include <cstddef>
#include <span>

#include "elves/dtype.hpp"
#include "encode/transforms/blocks/field.hpp"

namespace elves::encode::blocks {

/// The fields of the blocks of one dtype. Each bit belongs to one field, and each field becomes a stream of one byte
/// per symbol, block after block.
struct Layout {
  DType dtype = DType::Bytes;
  std::size_t block_bytes = 0;
  std::span<const Field> fields;

  /// streams[k] has room for n_blocks * fields[k].symbols() bytes. One pass, no allocation, cannot fail.
  void (*split)(const std::byte* blocks, std::size_t n_blocks, std::byte* const* streams) = nullptr;
  /// The inverse. False if a symbol has more bits than its field.
  bool (*join)(const std::byte* const* streams, std::size_t n_blocks, std::byte* blocks) = nullptr;
};

inline constexpr std::size_t kMostFields = 10;

/// Null if the dtype has no blocks.
const Layout* layout_of(DType dtype) noexcept;

}  // namespace elves::encode::blocks
