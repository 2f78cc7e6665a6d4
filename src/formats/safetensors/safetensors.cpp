#include "formats/safetensors/safetensors.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "formats/safetensors/header.hpp"
#include "support/byte_cursor.hpp"

namespace elves::formats::safetensors {
namespace {

constexpr std::uint64_t kLengthBytes = 8;

bool is_text(std::byte byte) {
  const auto c = std::to_integer<unsigned char>(byte);
  return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c < 0x7F);
}

bool fits(std::uint64_t header_bytes, std::uint64_t file_bytes) {
  return header_bytes >= 2 && header_bytes <= kMaxHeaderBytes && header_bytes <= file_bytes - kLengthBytes;
}

}  // namespace

bool recognizes(const ByteSource& file) {
  std::array<std::byte, kLengthBytes + 2> start{};
  if (file.size_bytes() < start.size() || !file.read(0, start)) return false;
  if (start[8] != std::byte{'{'}) return false;
  const auto length = ByteCursor(start).read<std::uint64_t>();
  if (fits(length, file.size_bytes())) return true;
  // A wrong length before what looks like a header is a damaged file; text that happens to have a brace there is not.
  const bool text = std::all_of(start.begin(), start.begin() + kLengthBytes, is_text);
  return !text && (start[9] == std::byte{'"'} || start[9] == std::byte{'}'});
}

Result<Layout> parse(const ByteSource& file) {
  std::array<std::byte, kLengthBytes> start{};
  if (const auto done = file.read(0, start); !done) return done.error();
  const auto length = ByteCursor(start).read<std::uint64_t>();
  if (!fits(length, file.size_bytes())) {
    return Error{"header length of " + std::to_string(length) + " bytes does not fit in a file of " +
                 std::to_string(file.size_bytes()) + " (or passes the limit of " + std::to_string(kMaxHeaderBytes) +
                 ")"};
  }
  std::string json(length, '\0');
  if (const auto done = file.read(kLengthBytes, std::as_writable_bytes(std::span(json))); !done) return done.error();
  const auto data_offset = kLengthBytes + length;
  auto extents = read_header(json, data_offset, file.size_bytes() - data_offset);
  if (!extents) return extents.error();
  Layout layout{.extents = std::move(extents).value(), .opaque_bytes = 0, .opaque_reason = {}};
  for (const auto& extent : layout.extents) layout.opaque_bytes += extent.is_layer ? 0 : extent.length_bytes;
  if (layout.opaque_bytes > 0) layout.opaque_reason = "layers of a dtype that is not known";
  return layout;
}

}  // namespace elves::formats::safetensors
