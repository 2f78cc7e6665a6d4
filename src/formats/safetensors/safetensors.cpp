#include "formats/safetensors/safetensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "formats/safetensors/header.hpp"
#include "support/byte_cursor.hpp"
#include "support/try.hpp"

namespace elves::formats::safetensors {
namespace {

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the format

bool is_text(std::byte byte) {
  const auto c = std::to_integer<unsigned char>(byte);
  return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c < 0x7F);
}

bool fits(std::uint64_t header_bytes, std::uint64_t file_bytes) {
  return header_bytes >= 2 && header_bytes <= kMaxHeaderBytes && header_bytes <= file_bytes - kLengthBytes;
}

bool matches(const ByteSource& file) {
  std::array<std::byte, kLengthBytes + 2> start{};
  if (file.size_bytes() < start.size() || !file.read(0, start)) return false;
  if (start[8] != std::byte{'{'}) return false;
  const auto length = ByteCursor(start).read<std::uint64_t>();
  if (fits(length, file.size_bytes())) return true;
  // A wrong length before a header is a damaged file of this format. Text with a brace at byte 8 is another format.
  const bool text = std::all_of(start.begin(), start.begin() + kLengthBytes, is_text);
  return !text && (start[9] == std::byte{'"'} || start[9] == std::byte{'}'});
}

Result<FoundExtents> parse(const ByteSource& file) {
  std::array<std::byte, kLengthBytes> start{};
  ELVES_CHECK(file.read(0, start));
  const auto length = ByteCursor(start).read<std::uint64_t>();
  if (!fits(length, file.size_bytes())) {
    return Error{fmt::format("header length of {} bytes does not fit in a file of {} (or passes the limit of {})",
                             length, file.size_bytes(), kMaxHeaderBytes)};
  }
  std::string json(length, '\0');
  ELVES_CHECK(file.read(kLengthBytes, std::as_writable_bytes(std::span(json))));
  const auto data_offset = kLengthBytes + length;
  ELVES_TRY(auto extents, read_header(json, data_offset, file.size_bytes() - data_offset));
  FoundExtents found{.extents = std::move(extents), .opaque_bytes = 0, .opaque_reason = {}};
  for (const auto& extent : found.extents) found.opaque_bytes += extent.is_layer ? 0 : extent.length_bytes;
  if (found.opaque_bytes > 0) found.opaque_reason = "layers of an unknown dtype";
  return found;
}

}  // namespace

}  // namespace elves::formats::safetensors

namespace elves::formats {

constinit const Format kSafetensors{
    .id = FormatId::Safetensors, .name = "safetensors", .matches = safetensors::matches, .parse = safetensors::parse};

}  // namespace elves::formats
