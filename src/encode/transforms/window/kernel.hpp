#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace elves::encode::window {

inline constexpr unsigned kClasses = 15;  ///< exponents in the window; each has symbols of its own

/// The parts of bfloat16 (2 bytes) and float32 (4 bytes) words, little endian. The window is the range of exponents
/// from top - 14 to top.
template <class Byte>
struct Parts {
  Byte* symbols = nullptr;  ///< (top - exponent, or 15 if outside the window) << 4 | the top 4 mantissa bits
  Byte* nibbles = nullptr;  ///< the next 4 bits of the rest, which is the other mantissa bits << 1 | sign; 2 in a byte
  std::array<Byte*, 2> planes{};  ///< float32 only: the lower 16 bits of the rest, the upper byte first
  Byte* others = nullptr;         ///< exponents outside the window, in order
};

/// Splits n words into parts. Returns how many exponents are outside the window. Room: n symbols, (n + 1) / 2 bytes of
/// nibbles, n bytes of each plane, n others.
template <class Word>
std::size_t split(const std::byte* words, std::size_t n, unsigned top, Parts<std::byte> to);

/// The inverse. False if there are not exactly `n_others` exponents outside the window.
template <class Word>
bool join(Parts<const std::byte> from, std::size_t n_others, std::size_t n, unsigned top, std::byte* words);

/// For float8: the words without their signs, and the signs, 8 in a byte, the first in the lowest bit.
void split_signs(const std::byte* words, std::size_t n, std::byte* symbols, std::byte* signs);
void join_signs(const std::byte* symbols, const std::byte* signs, std::size_t n, std::byte* words);

}  // namespace elves::encode::window
