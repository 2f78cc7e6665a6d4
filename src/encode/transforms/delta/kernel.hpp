#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace elves::encode::delta {

inline constexpr std::size_t kMostGroups = 8;
inline constexpr std::size_t kMostWordBytes = 8;
inline constexpr std::size_t kSlack = 64;      ///< bytes that split() may write behind the last one of a list
inline constexpr std::uint8_t kEscape = 0xFF;  ///< the symbol of this value and of all above

/// What a difference is. Its sign stands at the lowest bit.
enum class Operation : std::uint8_t {
  Xor,       ///< rotated left by one
  Floats,    ///< of the places in the order of floats, as zigzag (kernels/difference-inl.hpp)
  Integers,  ///< as zigzag
};

/// How words (of 1, 2, 4 or 8 bytes) are taken apart. The lowest `low_bytes` of a difference go to planes; what is left
/// of it, or kEscape, is its symbol, in the list of the first group whose threshold its context reaches, or of the last
/// one. Escaped differences lie in planes of their own, without their low bytes.
struct Layout {
  unsigned word_bytes = 1;
  unsigned low_bytes = 0;  ///< below word_bytes
  Operation operation = Operation::Floats;
  std::span<const std::uint8_t> thresholds;  ///< descending; one less than there are groups

  std::size_t n_groups() const noexcept { return thresholds.size() + 1; }
  unsigned escape_bytes() const noexcept { return word_bytes - low_bytes; }
};

/// The lists and planes; the most significant plane first.
template <class Byte>
struct Parts {
  std::array<Byte*, kMostGroups> symbols{};     ///< as many as the group has words
  std::array<Byte*, kMostWordBytes> low{};      ///< low_bytes planes, a byte for each word
  std::array<Byte*, kMostWordBytes> escapes{};  ///< escape_bytes planes, a byte for each escaped word
};

/// The context of a float is what its exponent is, as a byte: the bits of the word from the one below the sign on; of
/// 8-byte words the low bits of the exponent + 128.
void contexts_of(unsigned word_bytes, const std::byte* words, std::size_t n_words, std::byte* contexts);

/// How many bits each difference has; 0 where the words are equal.
void widths_of(unsigned word_bytes, Operation operation, const std::byte* words, const std::byte* base,
               std::size_t n_words, std::uint8_t* widths);

/// How many of the base's words are in each group.
std::array<std::size_t, kMostGroups> count_groups(const Layout& layout, const std::byte* base, std::size_t n_words);

/// Takes n words apart; returns how many are escaped. Room: what Parts tells, n bytes for each plane of escapes, and
/// kSlack more for each list and each plane of escapes. One pass, no allocation, cannot fail.
std::size_t split(const Layout& layout, const std::byte* words, const std::byte* base, std::size_t n_words,
                  const Parts<std::byte>& to);

/// The inverse. `sizes`: of the lists, as count_groups() gives them. False where not exactly `n_escapes` are escaped.
bool join(const Layout& layout, const Parts<const std::byte>& from, std::span<const std::size_t> sizes,
          std::size_t n_escapes, const std::byte* base, std::size_t n_words, std::byte* words);

}  // namespace elves::encode::delta
