#pragma once

#include <cstddef>

namespace elves::encode::elf_delta {

/// Symbols of ELF (m << 1 | sign, `shift` bits above the lowest) stand for the integers m, and -1 - m where the sign is
/// set. Makes the differences of those of words of 2, 4 or 8 bytes and of the base's, modulo 2^bits, as zigzag.
/// `differences` may be `symbols`. No allocation, cannot fail.
void subtract(std::size_t word_bytes, unsigned shift, const std::byte* symbols, const std::byte* base,
              std::size_t n_words, std::byte* differences);

/// The inverse. `symbols` may be `differences`. Any words are differences.
void add(std::size_t word_bytes, unsigned shift, const std::byte* differences, const std::byte* base,
         std::size_t n_words, std::byte* symbols);

}  // namespace elves::encode::elf_delta
