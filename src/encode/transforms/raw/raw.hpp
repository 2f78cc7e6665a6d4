#pragma once

#include "encode/transform.hpp"

namespace elves::encode {
namespace raw {

bool accepts(DType dtype, const EncodeOptions& options);
/// Without repeats, floats and wider elements never take less than taken apart: a mixture of bytes has more entropy.
bool promises(const Chunk& chunk);
void split(const Chunk& chunk, const EncodeOptions& options, Scratch& scratch, Split& to);
Result<void> join(ByteCursor& header, StreamSource& streams, DType dtype, Scratch& scratch, std::span<std::byte> out,
                  std::span<const std::byte> base);

}  // namespace raw

/// The chunk as one stream. Takes every dtype. docs/format/transforms/raw.md
inline constexpr Transform kRaw{.id = TransformId::Raw,
                                .name = "raw",
                                .accepts = raw::accepts,
                                .promises = raw::promises,
                                .split = raw::split,
                                .join = raw::join};

}  // namespace elves::encode
