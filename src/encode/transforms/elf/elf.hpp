#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "encode/transform.hpp"
#include "encode/transforms/elf/kernel.hpp"

namespace elves::encode {
namespace elf {

/// Low mantissa bits of |p| + 1 that an error bound lets us drop: 0 for bound 0 (ELF's own bound, 2^-11, 2^-24, 2^-53).
/// Nothing where the dtype has no ELF form, or the bound is smaller than ELF's own or not a number.
std::optional<unsigned> dropped_bits(DType dtype, double error_bound);

/// Calls `with` with the word type of F16, F32 or F64 (and of nothing else).
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
Result<Header> read_header(ByteCursor& cursor, DType dtype);

/// Fills the planes of the symbols (symbol_planes(dropped) of one byte an element), the header and the loss, and
/// appends the streams of the outliers.
template <class Word>
void split_symbols(const Chunk& chunk, unsigned dropped, std::span<const std::span<std::byte>> planes, Scratch& scratch,
                   Split& to);

/// The inverse, after the planes were read. Errors: streams of outliers that do not fit.
template <class Word>
Result<void> join_symbols(const Header& header, std::span<const std::span<const std::byte>> planes,
                          StreamSource& streams, std::span<std::byte> out);

bool accepts(DType dtype, const EncodeOptions& options);
void split(const Chunk& chunk, const EncodeOptions& options, Scratch& scratch, Split& to);
Result<void> join(ByteCursor& header, StreamSource& streams, DType dtype, Scratch& scratch, std::span<std::byte> out,
                  std::span<const std::byte> base);

}  // namespace elf

/// Exponent-less floats (paper 002, section 6.1), their symbols as planes. docs/format/transforms/elf.md
inline constexpr Transform kElf{.id = TransformId::Elf,
                                .name = "elf",
                                .stage = Stage::Elf,
                                .lossy = true,
                                .accepts = elf::accepts,
                                .split = elf::split,
                                .join = elf::join};

}  // namespace elves::encode
