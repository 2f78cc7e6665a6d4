#pragma once

#include <limits>

namespace elves {

/// Maps numbers in two's complement, as unsigned words, to words that are small where the number is near zero:
/// 0, -1, 1, -2, ... become 0, 1, 2, 3, ...
template <class Word>
constexpr Word zigzag(Word number) {
  const auto sign = static_cast<Word>(number >> (std::numeric_limits<Word>::digits - 1));
  return static_cast<Word>(static_cast<Word>(number << 1) ^ static_cast<Word>(0 - sign));
}

/// The inverse of zigzag().
template <class Word>
constexpr Word unzigzag(Word word) {
  return static_cast<Word>(static_cast<Word>(word >> 1) ^ static_cast<Word>(0 - (word & 1)));
}

}  // namespace elves
