#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "elves/error.hpp"
#include "formats/byte_source.hpp"

namespace elves::formats {

/// Reads a ByteSource from front to back, as ByteCursor reads memory. Numbers are little endian. A read past the end,
/// or one that the system refuses, gives zeros and sets failed(): check once after a group of reads. Buffers 16 KiB, so
/// that small reads and short moves cost no system call.
class SourceCursor {
 public:
  explicit SourceCursor(const ByteSource& file, std::uint64_t at_bytes = 0) : file_(file), at_(at_bytes) {
    if (at_ > file.size_bytes()) fail_past_the_end();
  }

  bool failed() const noexcept { return failed_; }
  /// The first failure; only after failed().
  const Error& error() const noexcept { return error_; }
  std::uint64_t position() const noexcept { return at_; }
  std::uint64_t remaining() const noexcept { return file_.size_bytes() - std::min(at_, file_.size_bytes()); }
  bool at_end() const noexcept { return remaining() == 0; }

  /// Moves to a byte of the file, or to its end.
  void seek(std::uint64_t to_bytes) noexcept {
    if (to_bytes > file_.size_bytes()) return fail_past_the_end();
    at_ = to_bytes;
  }
  void skip(std::uint64_t n) noexcept {
    if (n > remaining()) return fail_past_the_end();
    at_ += n;
  }

  template <class T>
  requires(std::is_trivially_copyable_v<T>) T read() {
    T value{};
    fill(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }

  /// A LEB128 number of at most 64 bits.
  std::uint64_t read_varint();

  /// Fills `out`, with zeros after a failure.
  void fill(std::span<std::byte> out);

  /// A copy of the next `n` bytes; empty and failed() if that is more than `limit` or passes the end.
  std::string take_text(std::uint64_t n, std::uint64_t limit);

 private:
  static constexpr std::size_t kBufferBytes = 16 << 10;

  void fail(Error error);
  void fail_past_the_end() noexcept;

  const ByteSource& file_;
  std::uint64_t at_ = 0;
  std::vector<std::byte> buffer_;
  std::uint64_t buffer_at_ = 0;  ///< offset of the buffer in the file
  bool failed_ = false;
  Error error_{};
};

}  // namespace elves::formats
