#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// Binary arithmetic coding. Each bit narrows an interval [low, high] of 32-bit numbers; leading bytes that low and
/// high have in common are written. docs/format/transforms/context.md.
namespace elves::encode::context {

class Interval {
 public:
  /// The last number of the part of the interval that stands for a one: `probability` / 65536 of the whole, above 0 and
  /// below 1.
  std::uint32_t last_of_one(unsigned probability) const {
    return low_ + static_cast<std::uint32_t>(std::uint64_t{high_ - low_} * probability >> 16);
  }
  void narrow(unsigned bit, std::uint32_t last_of_one) {
    high_ = bit != 0 ? last_of_one : high_;
    low_ = bit != 0 ? low_ : last_of_one + 1;
  }
  bool has_leading_byte() const { return (low_ ^ high_) >> 24 == 0; }
  std::byte leading_byte() const { return static_cast<std::byte>(low_ >> 24); }
  void drop_leading_byte() {
    low_ <<= 8;
    high_ = high_ << 8 | 0xFF;
  }
  /// The last byte of the coded data: followed by zeros, it is a number within the interval.
  std::byte last_byte() const { return static_cast<std::byte>((low_ >> 24) + 1); }

 private:
  std::uint32_t low_ = 0;
  std::uint32_t high_ = ~std::uint32_t{0};
};

class BitEncoder {
 public:
  explicit BitEncoder(std::vector<std::byte>& to) : to_(to) {}

  unsigned code(unsigned probability, unsigned bit) {
    interval_.narrow(bit, interval_.last_of_one(probability));
    for (; interval_.has_leading_byte(); interval_.drop_leading_byte()) to_.push_back(interval_.leading_byte());
    return bit;
  }
  void finish() { to_.push_back(interval_.last_byte()); }

 private:
  Interval interval_;
  std::vector<std::byte>& to_;
};

/// Reads zeros after the end of the data.
class BitDecoder {
 public:
  explicit BitDecoder(std::span<const std::byte> from) : from_(from) {
    for (int i = 0; i < 4; ++i) take_byte();
  }

  unsigned code(unsigned probability) {
    const auto last_of_one = interval_.last_of_one(probability);
    const unsigned bit = number_ <= last_of_one ? 1 : 0;
    interval_.narrow(bit, last_of_one);
    for (; interval_.has_leading_byte(); interval_.drop_leading_byte()) take_byte();
    return bit;
  }
  /// More was read than the last byte and three zeros after it.
  bool beyond_end() const { return at_ > from_.size() + 3; }
  /// Everything was read, and the data end as BitEncoder::finish() ends them.
  bool at_end() const {
    return at_ == from_.size() + 3 && number_ == std::to_integer<std::uint32_t>(interval_.last_byte()) << 24;
  }

 private:
  void take_byte() {
    const auto byte = at_ < from_.size() ? from_[at_] : std::byte{0};
    number_ = number_ << 8 | std::to_integer<std::uint32_t>(byte);
    ++at_;
  }

  Interval interval_;
  std::uint32_t number_ = 0;
  std::span<const std::byte> from_;
  std::size_t at_ = 0;
};

}  // namespace elves::encode::context
