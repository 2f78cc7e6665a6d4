#pragma once

#include <cstddef>

namespace elves::encode::elf_delta {

/// An ELF symbol m << 1 | sign, shifted left by `shift` in a word of 2, 4 or 8 bytes, represents the integer m, or -1 -
/// m if the sign is set. Writes the differences between the integers of `symbols` and of `base`, modulo 2^bits, as
/// zigzag. `differences` may be `symbols`. No allocation, cannot fail.
void subtract(std::size_t word_bytes, unsigned shift, const std::byte* symbols, const std::byte* base,
              std::size_t n_words, std::byte* differences);

/// The inverse. `symbols` may be `differences`. Any words are valid differences.
void add(std::size_t word_bytes, unsigned shift, const std::byte* differences, const std::byte* base,
         std::size_t n_words, std::byte* symbols);

}  // namespace elves::encode::elf_delta
