#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

/// The loops of docs/format/transforms/delta.md. Bodies: kernel_generic-inl.hpp, and kernel_vbmi2-inl.hpp, which uses
/// raw intrinsics for instructions that Highway lacks. Both give the same bytes.
namespace elves::encode::delta {

inline constexpr std::size_t kMostGroups = 8;
inline constexpr std::size_t kMostWordBytes = 8;
inline constexpr std::size_t kSlack = 64;      ///< split() may write this many bytes after the end of a list
inline constexpr std::uint8_t kEscape = 0xFF;  ///< the symbol of all values from 0xFF on

/// How the difference of two words is computed. The lowest bit of the result is its sign.
enum class Operation : std::uint8_t {
  Xor,       ///< the XOR, rotated left by one bit
  Floats,    ///< the distance in the order of all floats, as zigzag (kernels/difference-inl.hpp)
  Integers,  ///< the difference of integers, as zigzag
};

/// How the differences of words of 1, 2, 4 or 8 bytes are split. The lowest `low_bytes` bytes go to planes. The rest of
/// the difference, or kEscape if it is not below kEscape, is the symbol. It goes to the list of the first group whose
/// threshold is not above the context of the base's word, or of the last group. Escaped differences, without their low
/// bytes, go to planes of their own.
struct Layout {
  unsigned word_bytes = 1;
  unsigned low_bytes = 0;  ///< below word_bytes
  Operation operation = Operation::Floats;
  std::span<const std::uint8_t> thresholds;  ///< descending; one less than there are groups

  std::size_t n_groups() const noexcept { return thresholds.size() + 1; }
  unsigned escape_bytes() const noexcept { return word_bytes - low_bytes; }
};

/// The lists and planes, the most significant plane first.
template <class Byte>
struct Parts {
  std::array<Byte*, kMostGroups> symbols{};     ///< one symbol per word of the group
  std::array<Byte*, kMostWordBytes> low{};      ///< low_bytes planes, one byte per word
  std::array<Byte*, kMostWordBytes> escapes{};  ///< escape_bytes planes, one byte per escaped word
};

/// The context of a float is its exponent as a byte: the 8 bits below the sign; for 8-byte words the low 8 bits of
/// exponent + 128.
void contexts_of(unsigned word_bytes, const std::byte* words, std::size_t n_words, std::byte* contexts);

/// The width of each difference in bits; 0 if the words are equal.
void widths_of(unsigned word_bytes, Operation operation, const std::byte* words, const std::byte* base,
               std::size_t n_words, std::uint8_t* widths);

/// The number of words of the base in each group.
std::array<std::size_t, kMostGroups> count_groups(const Layout& layout, const std::byte* base, std::size_t n_words);

/// Splits the differences of n words. Returns the number of escapes. Room: as Parts says; n bytes for each plane of
/// escapes; and kSlack more for each list and each plane of escapes. One pass, no allocation, cannot fail.
std::size_t split(const Layout& layout, const std::byte* words, const std::byte* base, std::size_t n_words,
                  const Parts<std::byte>& to);

/// The inverse. `sizes`: the sizes of the lists, from count_groups(). False if there are not exactly `n_escapes`
/// escapes.
bool join(const Layout& layout, const Parts<const std::byte>& from, std::span<const std::size_t> sizes,
          std::size_t n_escapes, const std::byte* base, std::size_t n_words, std::byte* words);

}  // namespace elves::encode::delta
