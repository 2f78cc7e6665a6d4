#pragma once

#include "encode/transform.hpp"

namespace elves::encode {
namespace int_delta {

bool accepts(DType dtype, const EncodeOptions& options);
bool promises(const Chunk& chunk);
void split(const Chunk& chunk, const EncodeOptions& options, Scratch& scratch, Split& to);
Result<void> join(ByteCursor& header, StreamSource& streams, DType dtype, Scratch& scratch, std::span<std::byte> out,
                  std::span<const std::byte> base);

}  // namespace int_delta

/// Integers as differences to the one before: sorted tables, positions, offsets. docs/format/transforms/int-delta.md
inline constexpr Transform kIntDelta{.id = TransformId::IntDelta,
                                     .name = "int-delta",
                                     .stage = Stage::Planes,
                                     .accepts = int_delta::accepts,
                                     .promises = int_delta::promises,
                                     .split = int_delta::split,
                                     .join = int_delta::join};

}  // namespace elves::encode
