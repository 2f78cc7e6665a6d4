#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace elves::encode::window {

inline constexpr unsigned kClasses = 15;  ///< exponents that have a symbol of their own

/// What words of bfloat16 (2 bytes) and float32 (4 bytes) are taken apart into; little endian.
template <class Byte>
struct Parts {
  Byte* symbols = nullptr;        ///< top - exponent, or 15 for exponents out of the window, << 4 | 4 mantissa bits
  Byte* nibbles = nullptr;        ///< the next 3 (float32: 4) mantissa bits and the sign below; two words a byte
  std::array<Byte*, 2> planes{};  ///< float32: the other mantissa bits, and the sign at the end
  Byte* others = nullptr;         ///< exponents out of the window, in order
};

/// Takes n words apart; returns how many exponents are out of the window that ends with `top`. Room: n symbols,
/// (n + 1) / 2 nibbles, n of each plane, n others.
template <class Word>
std::size_t split(const std::byte* words, std::size_t n, unsigned top, Parts<std::byte> to);

/// The inverse. False where there are not exactly `n_others` exponents out of the window.
template <class Word>
bool join(Parts<const std::byte> from, std::size_t n_others, std::size_t n, unsigned top, std::byte* words);

/// For float8: symbols without signs, and signs, 8 a byte, the first in the lowest bit.
void split_signs(const std::byte* words, std::size_t n, std::byte* symbols, std::byte* signs);
void join_signs(const std::byte* symbols, const std::byte* signs, std::size_t n, std::byte* words);

}  // namespace elves::encode::window
