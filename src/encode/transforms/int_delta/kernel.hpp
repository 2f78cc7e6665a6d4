#pragma once

#include <cstddef>

namespace elves::encode::int_delta {

/// The differences of n words to the word before (of the first to 0), modulo 2^bits, as folded numbers: 0, -1, 1, -2
/// become 0, 1, 2, 3. `Word` is an unsigned integer; both sides need no alignment. One pass, cannot fail.
template <class Word>
void to_differences(const std::byte* words, std::size_t n, std::byte* differences);

/// The inverse.
template <class Word>
void from_differences(const std::byte* differences, std::size_t n, std::byte* words);

}  // namespace elves::encode::int_delta
