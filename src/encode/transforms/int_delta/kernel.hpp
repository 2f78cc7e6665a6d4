#pragma once

#include <cstddef>

namespace elves::encode::int_delta {

/// The difference of each of n words from the word before (of the first word from 0), modulo 2^bits, as zigzag. `Word`
/// is an unsigned integer. No alignment is required. One pass, cannot fail.
template <class Word>
void to_differences(const std::byte* words, std::size_t n, std::byte* differences);

/// The inverse.
template <class Word>
void from_differences(const std::byte* differences, std::size_t n, std::byte* words);

}  // namespace elves::encode::int_delta
