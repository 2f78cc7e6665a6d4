#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "elves/error.hpp"
#include "formats/extent.hpp"

namespace elves::formats::ggml {

/// The layout of one of ggml's types: elements are stored in blocks, and a row of an array is a whole number of blocks.
struct BlockType {
  std::uint32_t elements = 1;       ///< of a block
  std::uint32_t bytes = 0;          ///< of a block
  std::optional<DType> dtype = {};  ///< nothing if elves has no dtype for it
};

/// The type of the scales in a block. In May 2023 some types changed from f32 to f16 without a new number.
enum class Scales { F16, F32 };

/// The type with this number; nothing if its blocks are unknown: removed types, and types of a newer ggml. With f32
/// scales only the types f32 and f16 have a dtype: the old quantized blocks have their bits in another order.
std::optional<BlockType> block_type(std::uint32_t number, Scales scales);

/// A layer of this type, without name and place. `dims` has the innermost dimension first, as in ggml; the shape of the
/// layer has the outermost first, as in numpy and torch. A type without a dtype gives a layer of U8 whose rows are the
/// bytes of the blocks. An Error if a row is not a whole number of blocks, or the size overflows.
Result<Extent> array_of(const BlockType& type, std::span<const std::uint64_t> dims);

}  // namespace elves::formats::ggml
