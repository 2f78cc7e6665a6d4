#pragma once

#include "encode/transform.hpp"

namespace elves::encode {
namespace palette {

bool accepts(DType dtype, const EncodeOptions& options);
/// Looks at some words of the chunk, and then at all: a microsecond where they are many.
bool promises(const Chunk& chunk);
void split(const Chunk& chunk, const EncodeOptions& options, Scratch& scratch, Split& to);
Result<void> join(ByteCursor& header, StreamSource& streams, DType dtype, Scratch& scratch, std::span<std::byte> out,
                  std::span<const std::byte> base);

}  // namespace palette

/// Chunks of at most 256 distinct words: the words, and an index for each element. docs/format/transforms/palette.md
inline constexpr Transform kPalette{.id = TransformId::Palette,
                                    .name = "palette",
                                    .stage = Stage::Palette,
                                    .accepts = palette::accepts,
                                    .promises = palette::promises,
                                    .split = palette::split,
                                    .join = palette::join};

}  // namespace elves::encode
