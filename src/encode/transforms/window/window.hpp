#pragma once

#include "encode/transform.hpp"

namespace elves::encode {
namespace window {

bool accepts(DType dtype, const EncodeOptions& options);
/// False for bfloat16 and full float32: half the speed of planes for 0.2 % is for level max.
bool promises(const Chunk& chunk);
void split(const Chunk& chunk, const EncodeOptions& options, Scratch& scratch, Split& to);
Result<void> join(ByteCursor& header, StreamSource& streams, DType dtype, Scratch& scratch, std::span<std::byte> out,
                  std::span<const std::byte> base);

}  // namespace window

/// Floats as symbols of exponent and top mantissa bits together, and what is left as it is.
/// docs/format/transforms/window.md
inline constexpr Transform kWindow{.id = TransformId::Window,
                                   .name = "window",
                                   .stage = Stage::Planes,
                                   .accepts = window::accepts,
                                   .promises = window::promises,
                                   .split = window::split,
                                   .join = window::join};

}  // namespace elves::encode
