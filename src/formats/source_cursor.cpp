#include "formats/source_cursor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace elves::formats {

void SourceCursor::fail(Error error) {
  if (!std::exchange(failed_, true)) error_ = std::move(error);
}

void SourceCursor::fail_past_the_end() noexcept {
  fail(Error{fmt::format("cut short, or a size in it is wrong (at byte {})", at_)});
}

void SourceCursor::fill(std::span<std::byte> out) {
  if (!failed_ && out.size() > remaining()) fail_past_the_end();
  if (failed_) {
    std::fill(out.begin(), out.end(), std::byte{});
    return;
  }
  const bool buffered = at_ >= buffer_at_ && at_ + out.size() <= buffer_at_ + buffer_.size();
  if (!buffered && out.size() >= kBufferBytes) {
    if (auto done = file_.read(at_, out); !done) {
      fail(done.error());
      std::fill(out.begin(), out.end(), std::byte{});
      return;
    }
  } else {
    if (!buffered) {
      buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kBufferBytes, remaining())));
      buffer_at_ = at_;
      if (auto done = file_.read(at_, buffer_); !done) {
        buffer_.clear();
        fail(done.error());
        std::fill(out.begin(), out.end(), std::byte{});
        return;
      }
    }
    if (!out.empty()) std::memcpy(out.data(), buffer_.data() + (at_ - buffer_at_), out.size());
  }
  at_ += out.size();
}

std::uint64_t SourceCursor::read_varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto byte = read<std::uint8_t>();
    if (failed_) return 0;
    if (shift == 63 && byte > 1) break;
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  fail(Error{fmt::format("a number of more than 64 bits (at byte {})", at_)});
  return 0;
}

std::string SourceCursor::take_text(std::uint64_t n, std::uint64_t limit) {
  if (!failed_ && n > limit) {
    fail(Error{fmt::format("a text of {} bytes, but at most {} are allowed (at byte {})", n, limit, at_)});
  }
  if (!failed_ && n > remaining()) fail_past_the_end();
  if (failed_) return {};
  std::string text(static_cast<std::size_t>(n), '\0');
  fill(std::as_writable_bytes(std::span(text)));
  if (failed_) text.clear();
  return text;
}

}  // namespace elves::formats
