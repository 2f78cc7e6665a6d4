#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "elves/error.hpp"
#include "formats/extent.hpp"

namespace elves::formats::ggml {

/// How ggml stores the elements of one of its types: in blocks, and a row of an array holds a whole number of them.
struct BlockType {
  std::uint32_t elements = 1;       ///< of a block
  std::uint32_t bytes = 0;          ///< of a block
  std::optional<DType> dtype = {};  ///< nothing where elves has none for it
};

/// Some types changed their blocks under the same number in May 2023, when their scales became f16.
enum class Scales { F16, F32 };

/// The type of a number in a file; nothing where its blocks are not known: removed types, and those of a newer ggml.
/// Of the time of f32 scales only f32 and f16 have a dtype: the quantized ones laid out their bits in another order.
std::optional<BlockType> block_type(std::uint32_t number, Scales scales);

/// An array of this type: a layer without name and place. `dims` come innermost first, as ggml counts them, and the
/// shape outermost first, as numpy and torch show it. A type without a dtype gives U8, whose rows are the bytes of the
/// blocks. An Error where a row is no whole number of blocks, or the size overflows.
Result<Extent> array_of(const BlockType& type, std::span<const std::uint64_t> dims);

}  // namespace elves::formats::ggml
