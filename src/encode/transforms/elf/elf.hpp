#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "encode/transform.hpp"
#include "encode/transforms/elf/kernel.hpp"

/// What `elf` and `elf-delta` share: the header, and the symbols and outliers of a chunk.
namespace elves::encode::elf {

/// Number of low mantissa bits of |p| + 1 that may be dropped within an error bound; 0 for bound 0, which stands for
/// ELF's own bound (2^-11, 2^-24, 2^-53). Nothing if the dtype has no ELF form, or if the bound is smaller than ELF's
/// own or not a number.
std::optional<unsigned> dropped_bits(DType dtype, double error_bound);

/// Calls `with` with a value of the word type of F16, F32 or F64. Other dtypes must not be passed.
template <class With>
auto with_word(DType dtype, With with) {
  if (dtype == DType::F16) return with(std::uint16_t{});
  if (dtype == DType::F32) return with(std::uint32_t{});
  return with(std::uint64_t{});
}

/// The two numbers in front of the streams.
struct Header {
  unsigned dropped = 0;
  std::uint64_t n_outliers = 0;
};

void write(const Header& header, std::vector<std::byte>& to);
/// Errors: the dtype has no ELF form, the bytes end too early, or more bits are dropped than the mantissa has.
Result<Header> read_header(ByteCursor& cursor, DType dtype);

/// Fills the symbol planes (symbol_planes(dropped) planes of one byte per element), the header and the loss, and
/// appends the streams of the outliers.
template <class Word>
void split_symbols(const Chunk& chunk, unsigned dropped, std::span<const std::span<std::byte>> planes, Scratch& scratch,
                   Split& to);

/// The inverse, after the planes were read. Error: streams of outliers that do not fit.
template <class Word>
Result<void> join_symbols(const Header& header, std::span<const std::span<const std::byte>> planes,
                          StreamSource& streams, std::span<std::byte> out);

}  // namespace elves::encode::elf
