#include "encode/transforms/palette/kernel.hpp"

#include <algorithm>
#include <cstring>

namespace elves::encode::palette {
namespace {

constexpr std::uint16_t kEmpty = 0xFFFF;

// A hash table from a word to its index in the values; kEmpty if it is not there yet.
template <class Word>
class Slots {
 public:
  Slots() { std::ranges::fill(slots_, kEmpty); }

  // Open addressing. There are 8 times as many slots as values, so most words are found at the first slot.
  std::uint16_t& slot(Word word, const std::array<Word, kMostValues>& values) {
    const std::uint64_t bits = word;
    auto at = static_cast<std::size_t>((bits ^ bits >> 32) * 0x9E3779B97F4A7C15 >> (64 - kSlotBits));
    while (slots_[at] != kEmpty && values[slots_[at]] != word) at = (at + 1) % slots_.size();
    return slots_[at];
  }

 private:
  static constexpr unsigned kSlotBits = 11;
  std::array<std::uint16_t, 1u << kSlotBits> slots_;
};

// Words of 16 bits have one slot each. Only `used_`, which says which slots were written, needs to be cleared.
template <>
class Slots<std::uint16_t> {
 public:
  std::uint16_t& slot(std::uint16_t word, const std::array<std::uint16_t, kMostValues>&) {
    auto& used = used_[word / 64];
    const auto bit = std::uint64_t{1} << (word % 64);
    if ((used & bit) == 0) {
      used |= bit;
      slots_[word] = kEmpty;
    }
    return slots_[word];
  }

 private:
  std::array<std::uint64_t, 1024> used_{};
  std::array<std::uint16_t, 65536> slots_;
};

template <unsigned kBits>
void pack_bits(const std::uint8_t* indices, std::size_t n, std::byte* packed) {
  constexpr std::size_t kInByte = 8 / kBits;
  for (std::size_t i = 0; i < n / kInByte; ++i) {
    unsigned byte = 0;
    for (std::size_t k = 0; k < kInByte; ++k) byte = byte << kBits | indices[i * kInByte + k];
    packed[i] = static_cast<std::byte>(byte);
  }
  if (n % kInByte == 0) return;
  unsigned byte = 0;
  for (std::size_t k = 0; k < n % kInByte; ++k)
    byte |= static_cast<unsigned>(indices[n / kInByte * kInByte + k]) << (8 - kBits * (k + 1));
  packed[n / kInByte] = static_cast<std::byte>(byte);
}

template <unsigned kBits>
void unpack_bits(const std::byte* packed, std::size_t n, std::uint8_t* indices) {
  constexpr std::size_t kInByte = 8 / kBits;
  const auto index = [&](std::size_t i, std::size_t k) {
    return static_cast<std::uint8_t>(static_cast<unsigned>(packed[i]) >> (8 - kBits * (k + 1)) & ((1u << kBits) - 1));
  };
  for (std::size_t i = 0; i < n / kInByte; ++i) {
    for (std::size_t k = 0; k < kInByte; ++k) indices[i * kInByte + k] = index(i, k);
  }
  for (std::size_t i = n / kInByte * kInByte; i < n; ++i) indices[i] = index(n / kInByte, i % kInByte);
}

// Calls `with` with the number of bits as a compile-time constant.
template <class With>
void with_bits(unsigned n_bits, With with) {
  if (n_bits == 1) return with(std::integral_constant<unsigned, 1>{});
  if (n_bits == 2) return with(std::integral_constant<unsigned, 2>{});
  if (n_bits == 4) return with(std::integral_constant<unsigned, 4>{});
  with(std::integral_constant<unsigned, 8>{});
}

}  // namespace

template <class Word>
Values<Word> find_values(const std::byte* words, std::size_t n, std::size_t step, std::uint8_t* indices) {
  Values<Word> values;
  Slots<Word> slots;
  for (std::size_t i = 0; i < n; i += step) {
    Word word;
    std::memcpy(&word, words + i * sizeof(Word), sizeof(Word));
    auto& slot = slots.slot(word, values.words);
    if (slot == kEmpty) {
      if (values.n == kMostValues) {
        ++values.n;
        break;
      }
      values.words[values.n] = word;
      slot = static_cast<std::uint16_t>(values.n++);
    }
    if (indices) indices[i] = static_cast<std::uint8_t>(slot);
  }
  return values;
}

template <class Word>
bool look_up(const std::uint8_t* indices, std::size_t n, const Word* values, std::size_t n_values, std::byte* words) {
  std::uint8_t largest = 0;
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, indices[i]);
  if (n > 0 && largest >= n_values) return false;
  for (std::size_t i = 0; i < n; ++i) std::memcpy(words + i * sizeof(Word), values + indices[i], sizeof(Word));
  return true;
}

void pack(const std::uint8_t* indices, std::size_t n, unsigned n_bits, std::byte* packed) {
  with_bits(n_bits, [&](auto bits) { pack_bits<bits()>(indices, n, packed); });
}

void unpack(const std::byte* packed, std::size_t n, unsigned n_bits, std::uint8_t* indices) {
  with_bits(n_bits, [&](auto bits) { unpack_bits<bits()>(packed, n, indices); });
}

#define ELVES_INSTANTIATE(Word)                                                                       \
  template Values<Word> find_values<Word>(const std::byte*, std::size_t, std::size_t, std::uint8_t*); \
  template bool look_up<Word>(const std::uint8_t*, std::size_t, const Word*, std::size_t, std::byte*)

ELVES_INSTANTIATE(std::uint16_t);
ELVES_INSTANTIATE(std::uint32_t);
ELVES_INSTANTIATE(std::uint64_t);

}  // namespace elves::encode::palette
