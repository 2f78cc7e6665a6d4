#pragma once

#include <cstddef>
#include <cstdint>
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

  void write(std::uint64_t value, unsigned n_bits) {
    pending_ = pending_ << n_bits | value;
    n_pending_ += n_bits;
    while (n_pending_ >= 8) {
      n_pending_ -= 8;
      *to_++ = static_cast<std::byte>(pending_ >> n_pending_);
    }
  }

  /// Pads the last byte with zero bits; the end of what was written.
  std::byte* finish() {
    if (n_pending_ > 0) write(0, 8 - n_pending_);
    return to_;
  }

 private:
  std::byte* to_;
  std::uint64_t pending_ = 0;
  unsigned n_pending_ = 0;
};

/// Reads what BitWriter wrote. A read past the end gives zero bits and sets failed().
class BitReader {
 public:
  explicit BitReader(std::span<const std::byte> from) : at_(from.data()), end_(from.data() + from.size()) {}

  bool failed() const noexcept { return failed_; }
  /// True where all that is left are the zero bits that pad the last byte.
  bool at_end() const noexcept {
    return at_ == end_ && n_pending_ < 8 && (pending_ & ((std::uint64_t{1} << n_pending_) - 1)) == 0;
  }

  std::uint64_t read(unsigned n_bits) {
    while (n_pending_ < n_bits) refill();
    n_pending_ -= n_bits;
    return pending_ >> n_pending_ & ((std::uint64_t{1} << n_bits) - 1);
  }

 private:
  void refill() {
    failed_ |= at_ == end_;
    pending_ = pending_ << 8 | (at_ == end_ ? 0 : static_cast<std::uint64_t>(*at_++));
    n_pending_ += 8;
  }

  const std::byte* at_;
  const std::byte* end_;
  std::uint64_t pending_ = 0;
  unsigned n_pending_ = 0;
  bool failed_ = false;
};

}  // namespace elves::encode
