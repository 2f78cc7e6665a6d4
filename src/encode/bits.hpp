#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace elves::encode {

constexpr std::uint64_t bits_to_bytes(std::uint64_t n_bits) {
  return (n_bits + 7) / 8;
}

/// Packs numbers of 0 to 57 bits without gaps, the most significant bit first. The memory must have room for
/// bits_to_bytes() of the sum of all widths.
class BitWriter {
 public:
  explicit BitWriter(std::byte* to) : to_(to) {}

  /// `value` must be below 2^n_bits.
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
    pending_ = value;  // the bits above the lowest `rest` are already written and will be shifted out
    n_pending_ = rest;
  }

  /// Pads the last byte with zero bits. Returns the end of the written bytes.
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

/// Reads what BitWriter wrote. Reading past the end gives zero bits and sets failed().
class BitReader {
 public:
  explicit BitReader(std::span<const std::byte> from) : from_(from) {}

  bool failed() const noexcept { return at_ > 8 * from_.size(); }
  /// True if only the zero bits that pad the last byte are left.
  bool at_end() const noexcept {
    const std::size_t n_bits = 8 * from_.size();
    return at_ <= n_bits && n_bits - at_ < 8 && (at_ == n_bits || window() == 0);
  }

  /// The next 0 to 57 bits.
  std::uint64_t read(unsigned n_bits) {
    const auto value = window() >> 1 >> (63 - n_bits);
    at_ += n_bits;
    return value;
  }

 private:
  // A word whose top holds at least 57 bits from at_ on; zeros after the end.
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
