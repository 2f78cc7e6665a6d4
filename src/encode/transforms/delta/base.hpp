#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "elves/error.hpp"
#include "encode/scratch.hpp"
#include "support/byte_cursor.hpp"

namespace elves::encode::delta {

/// The base, as many bytes as the chunk has: zeros follow where it is shorter.
std::span<const std::byte> fill_up(std::span<const std::byte> base, std::size_t n_bytes, Scratch& scratch);

/// In the header: how much of the base was there, and the checksum of it or of what was made of it.
struct BaseMark {
  std::uint64_t n_words = 0;
  std::uint64_t checksum = 0;
};

void write(const BaseMark& mark, ByteWriter& to);

/// Errors: the base is shorter than the one that encoding had, or there is none.
Result<BaseMark> read_mark(ByteCursor& header, std::size_t word_bytes, std::size_t chunk_bytes, std::size_t base_bytes);

}  // namespace elves::encode::delta
