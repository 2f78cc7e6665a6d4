#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace elves::encode {

constexpr std::uint64_t bits_to_bytes(std::uint64_t n_bits) {
  return (n_bits + 7) / 8;
}

/// Packs numbers of 0..57 bits back to back, the most significant bit first. The memory must hold bits_to_bytes() of
/// all.
class BitWriter {
 public:
  explicit BitWriter(std::byte* to) : to_(to) {}

  /// `value` has no bits above the lowest n_bits.
  void write(std::uint64_t value, unsigned n_bits) {
    if (n_pending_ + n_bits < 64) {
      pending_ = pending_ << n_bits | value;
      n_pending_ += n_bits;
      return;
    }
    const unsigned rest = n_pending_ + n_bits - 64;
    const std::uint64_t word = __builtin_bswap64(pending_ << (n_bits - rest) | value >> rest);
    std::memcpy(to_, &word, sizeof(word));
    to_ += sizeof(word);
    pending_ = value;  // the bits above `rest` are written, and will be shifted out
    n_pending_ = rest;
  }

  /// Pads the last byte with zero bits; the end of what was written.
  std::byte* finish() {
    for (; n_pending_ >= 8; n_pending_ -= 8) *to_++ = static_cast<std::byte>(pending_ >> (n_pending_ - 8));
    if (n_pending_ > 0) *to_++ = static_cast<std::byte>(pending_ << (8 - n_pending_));
    n_pending_ = 0;
    return to_;
  }

 private:
  std::byte* to_;
  std::uint64_t pending_ = 0;  ///< the lowest n_pending_ bits
  unsigned n_pending_ = 0;     ///< at most 63
};

/// Reads what BitWriter wrote. A read past the end gives zero bits and sets failed().
class BitReader {
 public:
  explicit BitReader(std::span<const std::byte> from) : from_(from) {}

  bool failed() const noexcept { return at_ > 8 * from_.size(); }
  /// True where all that is left are the zero bits that pad the last byte.
  bool at_end() const noexcept {
    const std::size_t n_bits = 8 * from_.size();
    return at_ <= n_bits && n_bits - at_ < 8 && (at_ == n_bits || window() == 0);
  }

  /// The next 0..57 bits.
  std::uint64_t read(unsigned n_bits) {
    const auto value = window() >> 1 >> (63 - n_bits);
    at_ += n_bits;
    return value;
  }

 private:
  // 57 bits at least from at_ on, at the top of a word; zeros where there are no more.
  std::uint64_t window() const noexcept {
    const std::size_t byte = at_ / 8;
    std::uint64_t word = 0;
    if (byte + sizeof(word) <= from_.size()) {
      std::memcpy(&word, from_.data() + byte, sizeof(word));
    } else if (byte < from_.size()) {
      std::memcpy(&word, from_.data() + byte, from_.size() - byte);
    }
    return __builtin_bswap64(word) << (at_ % 8);
  }

  std::span<const std::byte> from_;
  std::size_t at_ = 0;  ///< bits
};

}  // namespace elves::encode
