#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "elves/error.hpp"

namespace elves {

static_assert(std::endian::native == std::endian::little, "elves stores little endian and runs on little endian hosts");

/// Reads a span of untrusted bytes from front to back. A read past the end returns zeros or an empty span and sets
/// failed(), which may be checked once after a group of reads.
class ByteCursor {
 public:
  explicit ByteCursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool failed() const noexcept { return failed_; }
  bool at_end() const noexcept { return at_ == bytes_.size(); }
  std::size_t position() const noexcept { return at_; }
  std::size_t remaining() const noexcept { return bytes_.size() - at_; }

  template <class T>
  requires(std::is_trivially_copyable_v<T>) T read()
  noexcept {
    T value{};
    const auto from = take(sizeof(T));
    if (!from.empty()) std::memcpy(&value, from.data(), sizeof(T));
    return value;
  }

  /// The next `n` bytes, or an empty span and failed().
  std::span<const std::byte> take(std::uint64_t n) noexcept {
    if (failed_ || n > remaining()) {
      failed_ = true;
      return {};
    }
    const auto part = bytes_.subspan(at_, static_cast<std::size_t>(n));
    at_ += static_cast<std::size_t>(n);
    return part;
  }

  std::string_view take_text(std::uint64_t n) noexcept {
    const auto part = take(n);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }

  /// A LEB128 number of at most 64 bits.
  std::uint64_t read_varint() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = read<std::uint8_t>();
      if (failed_) return 0;
      if (shift == 63 && byte > 1) break;
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    failed_ = true;
    return 0;
  }

  /// A text written by ByteWriter::text: varint length, bytes.
  std::string read_text() {
    const auto n = read_varint();
    return std::string(take_text(n));
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

/// Appends numbers, little endian, to a vector; ByteCursor reads them.
class ByteWriter {
 public:
  explicit ByteWriter(std::vector<std::byte>& out) : out_(out) {}

  template <class T>
  requires(std::is_trivially_copyable_v<T>) void write(const T& value) {
    const auto* from = reinterpret_cast<const std::byte*>(&value);
    out_.insert(out_.end(), from, from + sizeof(T));
  }
  void bytes(std::span<const std::byte> from) { out_.insert(out_.end(), from.begin(), from.end()); }
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<std::byte>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<std::byte>(value));
  }
  void text(std::string_view value) {
    varint(value.size());
    bytes(std::as_bytes(std::span(value)));
  }

 private:
  std::vector<std::byte>& out_;
};

}  // namespace elves
