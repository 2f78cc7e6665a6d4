#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "elves/error.hpp"
#include "encode/scratch.hpp"
#include "support/byte_cursor.hpp"

namespace elves::encode::delta {

/// The base, cut or extended by zeros to `n_bytes`.
std::span<const std::byte> fill_up(std::span<const std::byte> base, std::size_t n_bytes, Scratch& scratch);

/// Identifies the base in the header of a chunk: how many of its words were used, and their checksum (delta: of the
/// words; elf-delta: of their ELF symbols).
struct BaseMark {
  std::uint64_t n_words = 0;
  std::uint64_t checksum = 0;
};

void write(const BaseMark& mark, ByteWriter& to);

/// Errors: the base is shorter than the one that encoding used, or missing.
Result<BaseMark> read_mark(ByteCursor& header, std::size_t word_bytes, std::size_t chunk_bytes, std::size_t base_bytes);

}  // namespace elves::encode::delta
