#pragma once

#include <cstdint>
#include <span>

#include "encode/transform.hpp"

namespace elves::encode {

/// The rows, each defined in its folder below transforms/ and described by a page of docs/format/transforms/.
extern const Transform kRaw;  ///< the chunk as one stream
extern const Transform
    kPlanes;                  ///< one stream for each byte of a word, after moving the sign of floats to the lowest bit
extern const Transform kElf;  ///< exponent-less floats (paper 002, section 6.1): symbols in planes, outliers
extern const Transform kDe;   ///< distance encoding (paper 002, section 5.3): repeats as distances, distinct values
extern const Transform kBlocks;    ///< quantized blocks: one stream for each field of a block
extern const Transform kIntDelta;  ///< integers as differences from the integer before
extern const Transform kPalette;   ///< at most 256 distinct words: the words, and an index for each element
extern const Transform kWindow;  ///< floats: exponent and top mantissa bits together as one symbol, the rest unchanged
extern const Transform kDelta;   ///< differences from the words of a base, grouped by the exponent of the base
extern const Transform kElfDelta;  ///< differences between the ELF integers of the chunk and those of its base

/// All rows of this build. The order is the order of preference if two are estimated to have the same size.
std::span<const Transform> transforms();

/// The row of a number read from storage; null if this build does not know the number.
const Transform* find_transform(std::uint8_t id);

}  // namespace elves::encode
