#pragma once

#include "encode/transform.hpp"

namespace elves::encode {
namespace delta {

bool accepts(DType dtype, const EncodeOptions& options);
void split(const Chunk& chunk, const EncodeOptions& options, Scratch& scratch, Split& to);
Result<void> join(ByteCursor& header, StreamSource& streams, DType dtype, Scratch& scratch, std::span<std::byte> out,
                  std::span<const std::byte> base);

}  // namespace delta

/// Differences from the base's words, in groups of like exponents of the base. docs/format/transforms/delta.md
inline constexpr Transform kDelta{.id = TransformId::Delta,
                                  .name = "delta",
                                  .stage = Stage::Delta,
                                  .base_use = BaseUse::Exact,
                                  .accepts = delta::accepts,
                                  .split = delta::split,
                                  .join = delta::join};

}  // namespace elves::encode
