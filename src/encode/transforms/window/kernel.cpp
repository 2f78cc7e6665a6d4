#include "encode/transforms/window/kernel.hpp"

#include <algorithm>
#include <cstring>

// Plain loops over blocks. The compiler vectorizes them once for each target of Highway.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "encode/transforms/window/kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace elves::encode::window::HWY_NAMESPACE {
namespace {

constexpr std::size_t kBlock = 1024;
constexpr std::uint32_t kOther = kClasses << 4;  // symbols from here on: the exponent is outside the window

template <class Word>
struct Shape {
  static constexpr unsigned kMantissa = sizeof(Word) == 2 ? 7 : 23;
  static constexpr unsigned kSign = 8 * sizeof(Word) - 1;
  static constexpr unsigned kRest = kMantissa - 4;  // mantissa bits that are not in the symbol
  static constexpr Word kRestMask = static_cast<Word>((1u << kRest) - 1);
  static constexpr unsigned kPlanes = sizeof(Word) == 2 ? 0 : 2;
};

template <class Word>
HWY_INLINE Word load(const std::byte* words, std::size_t i) {
  Word word;
  std::memcpy(&word, words + i * sizeof(Word), sizeof(Word));
  return word;
}

template <class Word>
HWY_INLINE Word exponent_of(Word word) {
  return static_cast<Word>(word >> Shape<Word>::kMantissa & 255);
}

HWY_INLINE void pack_nibbles(const std::uint8_t* HWY_RESTRICT nibbles, std::size_t n, std::byte* HWY_RESTRICT packed) {
  for (std::size_t i = 0; i < n / 2; ++i) {
    packed[i] = static_cast<std::byte>(nibbles[2 * i] | nibbles[2 * i + 1] << 4);
  }
  if (n % 2 != 0) packed[n / 2] = static_cast<std::byte>(nibbles[n - 1]);
}

HWY_INLINE void unpack_nibbles(const std::byte* HWY_RESTRICT packed, std::size_t n,
                               std::uint8_t* HWY_RESTRICT nibbles) {
  for (std::size_t i = 0; i < n / 2; ++i) {
    const auto both = static_cast<unsigned>(packed[i]);
    nibbles[2 * i] = static_cast<std::uint8_t>(both & 15);
    nibbles[2 * i + 1] = static_cast<std::uint8_t>(both >> 4);
  }
  if (n % 2 != 0) nibbles[n - 1] = static_cast<std::uint8_t>(packed[n / 2]) & 15;
}

// Splits n <= kBlock words. Returns how many exponents are outside the window.
template <class Word>
HWY_INLINE std::size_t split_block(const std::byte* HWY_RESTRICT words, std::size_t n, Word top,
                                   std::byte* HWY_RESTRICT symbols, std::byte* HWY_RESTRICT nibbles,
                                   std::byte* HWY_RESTRICT high, std::byte* HWY_RESTRICT low) {
  using S = Shape<Word>;
  alignas(64) std::uint8_t rests[kBlock];
  Word n_others = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Word word = load<Word>(words, i);
    const Word below = static_cast<Word>(top - exponent_of(word));
    const Word number = below < Word{kClasses} ? below : Word{kClasses};
    const Word rest = static_cast<Word>(static_cast<Word>((word & S::kRestMask) << 1) | word >> S::kSign);
    symbols[i] = static_cast<std::byte>(number << 4 | (word >> S::kRest & 15));
    rests[i] = static_cast<std::uint8_t>(rest >> 8 * S::kPlanes);
    if constexpr (S::kPlanes == 2) {
      high[i] = static_cast<std::byte>(rest >> 8);
      low[i] = static_cast<std::byte>(rest);
    }
    n_others = static_cast<Word>(n_others + (number == Word{kClasses} ? 1 : 0));
  }
  pack_nibbles(rests, n, nibbles);
  return n_others;
}

// Words of two bytes have fewer planes: a plane that does not exist is null.
template <class Byte>
HWY_INLINE Byte* offset(Byte* plane, std::size_t at) {
  return plane == nullptr ? nullptr : plane + at;
}

template <class Word>
std::size_t split_words(const std::byte* words, std::size_t n, unsigned top, Parts<std::byte> to) {
  std::size_t n_others = 0;
  for (std::size_t at = 0; at < n; at += kBlock) {
    const auto n_block = std::min(kBlock, n - at);
    const auto* block = words + at * sizeof(Word);
    auto* symbols = to.symbols + at;
    const auto found = split_block<Word>(block, n_block, static_cast<Word>(top), symbols, to.nibbles + at / 2,
                                         offset(to.planes[0], at), offset(to.planes[1], at));
    if (found == 0) continue;
    for (std::size_t i = 0; i < n_block; ++i) {
      if (static_cast<std::uint32_t>(symbols[i]) < kOther) continue;
      to.others[n_others++] = static_cast<std::byte>(exponent_of(load<Word>(block, i)));
    }
  }
  return n_others;
}

// Joins n <= kBlock words. Returns how many exponents are outside the window; in those words the exponent is left zero.
template <class Word>
HWY_INLINE std::size_t join_block(const std::byte* HWY_RESTRICT symbols, const std::byte* HWY_RESTRICT nibbles,
                                  const std::byte* HWY_RESTRICT high, const std::byte* HWY_RESTRICT low, std::size_t n,
                                  Word top, std::byte* HWY_RESTRICT words) {
  using S = Shape<Word>;
  alignas(64) std::uint8_t rests[kBlock];
  unpack_nibbles(nibbles, n, rests);
  Word n_others = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Word symbol = static_cast<Word>(symbols[i]);
    Word rest = rests[i];
    if constexpr (S::kPlanes == 2) {
      rest = static_cast<Word>(rest << 16 | static_cast<Word>(high[i]) << 8 | static_cast<Word>(low[i]));
    }
    const Word number = static_cast<Word>(symbol >> 4);
    const Word is_other = static_cast<Word>(number == Word{kClasses} ? 1 : 0);
    const Word exponent = static_cast<Word>(static_cast<Word>(top - number) & static_cast<Word>(is_other ? 0 : 255));
    const Word word =
        static_cast<Word>(static_cast<Word>(exponent << S::kMantissa) | static_cast<Word>((symbol & 15) << S::kRest) |
                          rest >> 1 | static_cast<Word>(rest << S::kSign));
    std::memcpy(words + i * sizeof(Word), &word, sizeof(Word));
    n_others = static_cast<Word>(n_others + is_other);
  }
  return n_others;
}

template <class Word>
bool join_words(Parts<const std::byte> from, std::size_t n_others, std::size_t n, unsigned top, std::byte* words) {
  std::size_t used = 0;
  for (std::size_t at = 0; at < n; at += kBlock) {
    const auto n_block = std::min(kBlock, n - at);
    const auto* symbols = from.symbols + at;
    auto* block = words + at * sizeof(Word);
    const auto found = join_block<Word>(symbols, from.nibbles + at / 2, offset(from.planes[0], at),
                                        offset(from.planes[1], at), n_block, static_cast<Word>(top), block);
    if (found == 0) continue;
    if (found > n_others - used) return false;
    for (std::size_t i = 0; i < n_block; ++i) {
      if (static_cast<std::uint32_t>(symbols[i]) < kOther) continue;
      const auto exponent = static_cast<Word>(from.others[used++]);
      const Word word = static_cast<Word>(load<Word>(block, i) | static_cast<Word>(exponent << Shape<Word>::kMantissa));
      std::memcpy(block + i * sizeof(Word), &word, sizeof(Word));
    }
  }
  return used == n_others;
}

std::size_t split_u16(const std::byte* words, std::size_t n, unsigned top, Parts<std::byte> to) {
  return split_words<std::uint16_t>(words, n, top, to);
}
std::size_t split_u32(const std::byte* words, std::size_t n, unsigned top, Parts<std::byte> to) {
  return split_words<std::uint32_t>(words, n, top, to);
}
bool join_u16(Parts<const std::byte> from, std::size_t n_others, std::size_t n, unsigned top, std::byte* words) {
  return join_words<std::uint16_t>(from, n_others, n, top, words);
}
bool join_u32(Parts<const std::byte> from, std::size_t n_others, std::size_t n, unsigned top, std::byte* words) {
  return join_words<std::uint32_t>(from, n_others, n, top, words);
}

void split_sign_bits(const std::byte* HWY_RESTRICT words, std::size_t n, std::byte* HWY_RESTRICT symbols,
                     std::byte* HWY_RESTRICT signs) {
  for (std::size_t i = 0; i < n; ++i) symbols[i] = words[i] & std::byte{0x7F};
  std::size_t at = 0;
  for (; at + 8 <= n; at += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, words + at, sizeof(eight));
    signs[at / 8] = static_cast<std::byte>((eight >> 7 & 0x0101010101010101) * 0x0102040810204080 >> 56);
  }
  if (at == n) return;
  unsigned last = 0;
  for (std::size_t i = at; i < n; ++i) last |= static_cast<unsigned>(words[i] >> 7) << (i - at);
  signs[at / 8] = static_cast<std::byte>(last);
}

void join_sign_bits(const std::byte* HWY_RESTRICT symbols, const std::byte* HWY_RESTRICT signs, std::size_t n,
                    std::byte* HWY_RESTRICT words) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  std::size_t at = 0;
  for (; at + 8 <= n; at += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, symbols + at, sizeof(eight));
    const auto bit_in_byte = static_cast<std::uint64_t>(signs[at / 8]) * kOnes & 0x8040201008040201;
    eight |= (bit_in_byte + 127 * kOnes) & 128 * kOnes;
    std::memcpy(words + at, &eight, sizeof(eight));
  }
  for (std::size_t i = at; i < n; ++i) {
    const auto sign = static_cast<unsigned>(signs[i / 8]) >> (i % 8) & 1;
    words[i] = symbols[i] | static_cast<std::byte>(sign << 7);
  }
}

}  // namespace
}  // namespace elves::encode::window::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elves::encode::window {

HWY_EXPORT(split_u16);
HWY_EXPORT(split_u32);
HWY_EXPORT(join_u16);
HWY_EXPORT(join_u32);
HWY_EXPORT(split_sign_bits);
HWY_EXPORT(join_sign_bits);

template <>
std::size_t split<std::uint16_t>(const std::byte* words, std::size_t n, unsigned top, Parts<std::byte> to) {
  return HWY_DYNAMIC_DISPATCH(split_u16)(words, n, top, to);
}
template <>
std::size_t split<std::uint32_t>(const std::byte* words, std::size_t n, unsigned top, Parts<std::byte> to) {
  return HWY_DYNAMIC_DISPATCH(split_u32)(words, n, top, to);
}
template <>
bool join<std::uint16_t>(Parts<const std::byte> from, std::size_t n_others, std::size_t n, unsigned top,
                         std::byte* words) {
  return HWY_DYNAMIC_DISPATCH(join_u16)(from, n_others, n, top, words);
}
template <>
bool join<std::uint32_t>(Parts<const std::byte> from, std::size_t n_others, std::size_t n, unsigned top,
                         std::byte* words) {
  return HWY_DYNAMIC_DISPATCH(join_u32)(from, n_others, n, top, words);
}

void split_signs(const std::byte* words, std::size_t n, std::byte* symbols, std::byte* signs) {
  HWY_DYNAMIC_DISPATCH(split_sign_bits)(words, n, symbols, signs);
}
void join_signs(const std::byte* symbols, const std::byte* signs, std::size_t n, std::byte* words) {
  HWY_DYNAMIC_DISPATCH(join_sign_bits)(symbols, signs, n, words);
}

}  // namespace elves::encode::window
#endif
