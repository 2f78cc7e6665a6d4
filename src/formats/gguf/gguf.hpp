#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// GGUF, versions 1 to 3, little endian: metadata, then a list of tensors, then their data, aligned. Shapes have the
/// outermost dimension first, as in numpy; GGUF itself stores the innermost first. A tensor of an unknown type is glue;
/// one of NVFP4 is a layer of U8 whose rows are bytes. A file that contains only a vocabulary has no layers.
/// Reads everything before the data, once; memory is linear in the list of tensors.
extern const Format kGguf;

}  // namespace elves::formats
