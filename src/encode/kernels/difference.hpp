#pragma once

#include <cstddef>

namespace elves::encode {

/// to[i] = a[i] ^ b[i]; its own inverse. `to` may be `a` or `b`. No allocation, cannot fail.
void xor_bytes(const std::byte* a, const std::byte* b, std::size_t n_bytes, std::byte* to);

/// How far each float is from the base's, in floats that lie between: the bits of both are mapped to integers in the
/// order of the floats (-0.0 just below 0.0, NaN beyond the infinities), and their difference, modulo 2^bits, is stored
/// as zigzag (0, -1, 1, -2, ... as 0, 1, 2, 3, ...). Words of 1, 2, 4 or 8 bytes with the sign at the top, all bit
/// patterns. `differences` may be `values` or `base`. No allocation, cannot fail.
void ordered_differences(unsigned word_bytes, const std::byte* values, const std::byte* base, std::size_t n_words,
                         std::byte* differences);

/// The inverse: the values. `values` may be `differences` or `base`.
void add_ordered_differences(unsigned word_bytes, const std::byte* differences, const std::byte* base,
                             std::size_t n_words, std::byte* values);

}  // namespace elves::encode
