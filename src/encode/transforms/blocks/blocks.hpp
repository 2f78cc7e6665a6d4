#pragma once

#include "encode/transform.hpp"

namespace elves::encode {
namespace blocks {

bool accepts(DType dtype, const EncodeOptions& options);
void split(const Chunk& chunk, const EncodeOptions& options, Scratch& scratch, Split& to);
Result<void> join(ByteCursor& header, StreamSource& streams, DType dtype, Scratch& scratch, std::span<std::byte> out,
                  std::span<const std::byte> base);

}  // namespace blocks

/// Blocks of quantized numbers as streams of scales, minima, quants. docs/format/transforms/blocks.md
inline constexpr Transform kBlocks{.id = TransformId::Blocks,
                                   .name = "blocks",
                                   .stage = Stage::Planes,
                                   .accepts = blocks::accepts,
                                   .split = blocks::split,
                                   .join = blocks::join};

}  // namespace elves::encode
