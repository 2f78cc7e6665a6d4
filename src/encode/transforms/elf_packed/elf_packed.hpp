#pragma once

#include "encode/transform.hpp"

namespace elves::encode {
namespace elf_packed {

bool accepts(DType dtype, const EncodeOptions& options);
void split(const Chunk& chunk, const EncodeOptions& options, Scratch& scratch, Split& to);
Result<void> join(ByteCursor& header, StreamSource& streams, DType dtype, Scratch& scratch, std::span<std::byte> out,
                  std::span<const std::byte> base);

}  // namespace elf_packed

/// The paper's own form of ELF: symbols back to back, then zstd. For experiments. docs/format/transforms/elf-packed.md
inline constexpr Transform kElfPacked{.id = TransformId::ElfPacked,
                                      .name = "elf-packed",
                                      .since_format = 1,
                                      .stage = Stage::Elf,
                                      .lossy = true,
                                      .accepts = elf_packed::accepts,
                                      .split = elf_packed::split,
                                      .join = elf_packed::join};

}  // namespace elves::encode
