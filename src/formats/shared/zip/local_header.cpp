#include "formats/shared/zip/local_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "formats/source_cursor.hpp"
#include "support/byte_cursor.hpp"
#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::formats::zip {
namespace {

constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::uint32_t kDescriptorSignature = 0x08074b50;
constexpr std::uint64_t kLocalBytes = 30;
constexpr std::uint64_t kLocalCrcAt = 14;
constexpr std::uint16_t kHasDescriptor = 1 << 3;
constexpr std::size_t kFirstLocalHeaders = 4;

/// Reads the local header: the offset of the data, and of the checksum.
Result<void> read_local(const ByteSource& file, Entry& entry, std::uint64_t directory_at) {
  const auto misplaced = [&] {
    return entry_error(entry, fmt::format("has no local header of its name at byte {}", entry.header_offset_bytes));
  };
  std::vector<std::byte> bytes(kLocalBytes + entry.name.size());
  if (entry.header_offset_bytes > directory_at || directory_at - entry.header_offset_bytes < bytes.size()) {
    return misplaced();
  }
  ELVES_CHECK(file.read(entry.header_offset_bytes, bytes));
  ByteCursor header(bytes);
  if (header.read<std::uint32_t>() != kLocalSignature) return misplaced();
  header.take(kLocalCrcAt - 4);
  const auto crc = header.read<std::uint32_t>();
  header.take(8);  // sizes
  const auto name_bytes = header.read<std::uint16_t>();
  const auto extra_bytes = header.read<std::uint16_t>();
  if (name_bytes != entry.name.size() || header.take_text(name_bytes) != entry.name) return misplaced();
  if (crc == entry.crc) entry.local_crc_at = entry.header_offset_bytes + kLocalCrcAt;
  entry.data_offset_bytes = entry.header_offset_bytes + bytes.size() + extra_bytes;
  if (entry.data_offset_bytes > directory_at || directory_at - entry.data_offset_bytes < entry.compressed_bytes) {
    return entry_error(entry, fmt::format("of {} bytes overlaps the directory", entry.compressed_bytes));
  }
  if (entry.is_stored() && entry.size_bytes != entry.compressed_bytes) {
    return entry_error(
        entry, fmt::format("is stored as {} bytes, but its size is {}", entry.compressed_bytes, entry.size_bytes));
  }
  return {};
}

/// The length of a data descriptor, which repeats the CRC and the sizes of the entry; 0 if these bytes are none.
template <class Size>
std::uint64_t match_descriptor(std::span<const std::byte> bytes, const Entry& entry) {
  ByteCursor cursor(bytes);
  const bool same = cursor.read<std::uint32_t>() == entry.crc && cursor.read<Size>() == entry.compressed_bytes &&
                    cursor.read<Size>() == entry.size_bytes;
  return same && !cursor.failed() ? cursor.position() : 0;
}

/// Looks for a data descriptor, with or without signature, with sizes of 4 or 8 bytes. Returns the end of the entry.
Result<std::uint64_t> read_descriptor(const ByteSource& file, Entry& entry, std::uint64_t directory_at) {
  const auto data_end = entry.data_offset_bytes + entry.compressed_bytes;
  if ((entry.flags & kHasDescriptor) == 0) return data_end;
  std::array<std::byte, 24> most{};
  const auto bytes = std::span(most).first(std::min<std::uint64_t>(most.size(), directory_at - data_end));
  ELVES_CHECK(file.read(data_end, bytes));
  for (const std::size_t signature_bytes : {4, 0}) {
    if (bytes.size() < signature_bytes) continue;
    if (signature_bytes > 0 && ByteCursor(bytes).read<std::uint32_t>() != kDescriptorSignature) continue;
    const auto rest = bytes.subspan(signature_bytes);
    auto length = match_descriptor<std::uint32_t>(rest, entry);
    if (length == 0) length = match_descriptor<std::uint64_t>(rest, entry);
    if (length == 0) continue;
    entry.descriptor_crc_at = data_end + signature_bytes;
    return data_end + signature_bytes + length;
  }
  return data_end;
}

}  // namespace

Error entry_error(const Entry& entry, std::string_view flaw) {
  return Error{fmt::format("entry {} {}", quoted_name(entry.name), flaw)};
}

Result<std::uint64_t> follow_local(const ByteSource& file, Entry& entry, std::uint64_t directory_at) {
  ELVES_CHECK(read_local(file, entry, directory_at));
  return read_descriptor(file, entry, directory_at);
}

std::vector<std::string> first_local_names(const ByteSource& file) {
  std::vector<std::string> names;
  SourceCursor cursor(file);
  while (names.size() < kFirstLocalHeaders) {
    std::array<std::byte, kLocalBytes> bytes{};
    cursor.fill(bytes);
    ByteCursor header(bytes);
    if (header.read<std::uint32_t>() != kLocalSignature) break;
    header.take(14);
    const auto compressed_bytes = header.read<std::uint32_t>();
    header.take(4);
    const auto name_bytes = header.read<std::uint16_t>();
    const auto extra_bytes = header.read<std::uint16_t>();
    auto name = cursor.take_text(name_bytes, name_bytes);
    if (cursor.failed()) break;
    names.push_back(std::move(name));
    cursor.skip(std::uint64_t{extra_bytes} + compressed_bytes);
  }
  return names;
}

}  // namespace elves::formats::zip
