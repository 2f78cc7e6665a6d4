#pragma once

#include "encode/transform.hpp"

namespace elves::encode {
namespace de {

bool accepts(DType dtype, const EncodeOptions& options);
bool promises(const Chunk& chunk);
void split(const Chunk& chunk, const EncodeOptions& options, Scratch& scratch, Split& to);
Result<void> join(ByteCursor& header, StreamSource& streams, DType dtype, Scratch& scratch, std::span<std::byte> out,
                  std::span<const std::byte> base);

}  // namespace de

/// Distance encoding (paper 002, section 5.3): repeated floats as distances to where they were before.
/// docs/format/transforms/de.md
inline constexpr Transform kDe{.id = TransformId::De,
                               .name = "de",
                               .stage = Stage::De,
                               .level = Level::Default,
                               .accepts = de::accepts,
                               .promises = de::promises,
                               .split = de::split,
                               .join = de::join};

}  // namespace elves::encode
