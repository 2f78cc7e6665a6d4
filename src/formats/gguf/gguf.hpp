#pragma once

#include "formats/format.hpp"

namespace elves::formats {

namespace gguf {

bool recognizes(const ByteSource& file);

/// Versions 1 to 3, little endian: metadata, then a list of tensors, then their data, aligned. Shapes are outermost
/// dimension first, as numpy shows them: GGUF itself counts from the innermost. A type that this build does not know
/// makes its range glue; NVFP4 is a layer of U8, rows of bytes. A file with a vocabulary alone has no layers. Reads all
/// that lies before the data, once; memory is linear in the list of tensors.
Result<Layout> parse(const ByteSource& file);

}  // namespace gguf

inline constexpr Container kGguf{
    .id = ContainerId::Gguf, .name = "gguf", .recognizes = gguf::recognizes, .parse = gguf::parse};

}  // namespace elves::formats
