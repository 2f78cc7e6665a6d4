#pragma once

#include "encode/transform.hpp"

namespace elves::encode {
namespace elf_delta {

bool accepts(DType dtype, const EncodeOptions& options);
void split(const Chunk& chunk, const EncodeOptions& options, Scratch& scratch, Split& to);
Result<void> join(ByteCursor& header, StreamSource& streams, DType dtype, Scratch& scratch, std::span<std::byte> out,
                  std::span<const std::byte> base);

}  // namespace elf_delta

/// Differences between the integers that ELF makes of the words and of the base's. docs/format/transforms/elf-delta.md
inline constexpr Transform kElfDelta{.id = TransformId::ElfDelta,
                                     .name = "elf-delta",
                                     .stage = Stage::Delta,
                                     .standalone_stage = Stage::Elf,
                                     .lossy = true,
                                     .base_use = BaseUse::Any,
                                     .accepts = elf_delta::accepts,
                                     .split = elf_delta::split,
                                     .join = elf_delta::join};

}  // namespace elves::encode
