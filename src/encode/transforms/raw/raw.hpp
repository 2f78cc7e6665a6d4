#pragma once

#include "encode/transform.hpp"

namespace elves::encode {
namespace raw {

bool accepts(DType dtype, const EncodeOptions& options);
void split(const Chunk& chunk, const EncodeOptions& options, Scratch& scratch, Split& to);
Result<void> join(ByteCursor& header, StreamSource& streams, DType dtype, Scratch& scratch, std::span<std::byte> out);

}  // namespace raw

/// The chunk as one stream. Takes every dtype. docs/transforms/raw.md
inline constexpr Transform kRaw{.id = TransformId::Raw,
                                .name = "raw",
                                .since_format = 1,
                                .accepts = raw::accepts,
                                .split = raw::split,
                                .join = raw::join};

}  // namespace elves::encode
