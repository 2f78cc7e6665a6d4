#pragma once

#include <limits>

namespace elves::encode::int_delta {

/// Signed numbers, as words of two's complement, so that small ones of either sign become small: 0, -1, 1, -2, ...
/// become 0, 1, 2, 3, ...
template <class Word>
constexpr Word fold(Word number) {
  const auto sign = static_cast<Word>(number >> (std::numeric_limits<Word>::digits - 1));
  return static_cast<Word>(static_cast<Word>(number << 1) ^ static_cast<Word>(0 - sign));
}

template <class Word>
constexpr Word unfold(Word folded) {
  return static_cast<Word>(static_cast<Word>(folded >> 1) ^ static_cast<Word>(0 - (folded & 1)));
}

}  // namespace elves::encode::int_delta
