#include "formats/shared/zip/zip_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <span>
#include <utility>

#include "formats/shared/zip/end_records.hpp"
#include "formats/shared/zip/local_header.hpp"
#include "formats/source_cursor.hpp"
#include "support/byte_cursor.hpp"
#include "support/try.hpp"

namespace elves::formats::zip {
namespace {

constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::uint32_t kCentralSignature = 0x02014b50;
constexpr std::uint64_t kCentralBytes = 46;
constexpr std::uint64_t kCentralCrcAt = 16;

// Placeholders for numbers that are in the zip64 field.
constexpr std::uint32_t kIn64Bits = 0xFFFFFFFF;
constexpr std::uint16_t kIn64Bits16 = 0xFFFF;
constexpr std::uint16_t kZip64Extra = 1;

constexpr std::uint64_t kRecognitionBytes = 256 << 10;

/// Replaces placeholders among the numbers of an entry with the numbers in its zip64 field.
Result<void> widen(Entry& entry, std::span<const std::byte> extra) {
  const std::array<std::uint64_t*, 3> numbers{&entry.size_bytes, &entry.compressed_bytes, &entry.header_offset_bytes};
  if (std::none_of(numbers.begin(), numbers.end(), [](const auto* each) { return *each == kIn64Bits; })) return {};
  for (ByteCursor cursor(extra); !cursor.failed() && cursor.remaining() >= 4;) {
    const auto id = cursor.read<std::uint16_t>();
    ByteCursor field(cursor.take(cursor.read<std::uint16_t>()));
    if (id != kZip64Extra) continue;
    for (auto* each : numbers) {
      if (*each == kIn64Bits) *each = field.read<std::uint64_t>();
    }
    if (!field.failed()) return {};
    break;
  }
  return entry_error(entry, "has no zip64 numbers");
}

/// Reads one header of the central directory. Checks only this header.
Result<Entry> read_central(SourceCursor& cursor) {
  const auto at = cursor.position();
  std::array<std::byte, kCentralBytes> bytes{};
  cursor.fill(bytes);
  ByteCursor header(bytes);
  if (header.read<std::uint32_t>() != kCentralSignature) {
    return Error{fmt::format("no entry of the directory at byte {}", at)};
  }
  Entry entry;
  header.take(4);  // versions
  entry.flags = header.read<std::uint16_t>();
  entry.method = header.read<std::uint16_t>();
  header.take(4);  // time
  entry.crc = header.read<std::uint32_t>();
  entry.compressed_bytes = header.read<std::uint32_t>();
  entry.size_bytes = header.read<std::uint32_t>();
  const auto name_bytes = header.read<std::uint16_t>();
  const auto extra_bytes = header.read<std::uint16_t>();
  const auto comment_bytes = header.read<std::uint16_t>();
  const auto disk = header.read<std::uint16_t>();
  header.take(6);  // attributes
  entry.header_offset_bytes = header.read<std::uint32_t>();
  entry.directory_crc_at = at + kCentralCrcAt;
  entry.name = cursor.take_text(name_bytes, name_bytes);
  const auto extra = cursor.take_text(extra_bytes, extra_bytes);
  cursor.skip(comment_bytes);
  if (cursor.failed()) return cursor.error();
  if (disk != 0 && disk != kIn64Bits16) return Error{"spans several disks"};
  ELVES_CHECK(widen(entry, std::as_bytes(std::span(extra))));
  return entry;
}

struct Range {
  std::uint64_t begin;
  std::uint64_t end;
};

Result<void> check_overlaps(const std::vector<Entry>& entries, const std::vector<Range>& ranges) {
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return ranges[a].begin < ranges[b].begin; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (ranges[order[i]].begin < ranges[order[i - 1]].end) {
      return entry_error(entries[order[i]], "overlaps another entry");
    }
  }
  return {};
}

}  // namespace

Result<std::vector<Entry>> read_directory(const ByteSource& file) {
  ELVES_TRY(const auto place, find_directory(file));
  std::vector<Entry> entries;
  std::vector<Range> ranges;
  std::uint64_t used_bytes = 0;
  SourceCursor cursor(file, place.offset_bytes);
  for (std::uint64_t i = 0; i < place.n_entries; ++i) {
    ELVES_TRY(auto entry, read_central(cursor));
    ELVES_TRY(const auto end, follow_local(file, entry, place.offset_bytes));
    // Stops as soon as entries must overlap, so that memory is limited by the size of the file.
    used_bytes += end - entry.header_offset_bytes;
    if (used_bytes > place.offset_bytes) return entry_error(entry, "overlaps another entry");
    ranges.push_back({entry.header_offset_bytes, end});
    entries.push_back(std::move(entry));
  }
  if (cursor.position() != place.offset_bytes + place.length_bytes) {
    return Error{fmt::format("the directory has bytes outside of its {} entries", place.n_entries)};
  }
  ELVES_CHECK(check_overlaps(entries, ranges));
  return entries;
}

Names first_names(const ByteSource& file) {
  std::array<std::byte, 4> start{};
  if (file.size_bytes() < start.size() || !file.read(0, start)) return {};
  if (ByteCursor(start).read<std::uint32_t>() != kLocalSignature) return {};
  const auto place = find_directory(file);
  if (!place) return {.names = first_local_names(file), .complete = false};
  Names first;
  SourceCursor cursor(file, place->offset_bytes);
  while (first.names.size() < place->n_entries && cursor.position() - place->offset_bytes < kRecognitionBytes) {
    auto entry = read_central(cursor);
    if (!entry) break;
    first.names.push_back(std::move(entry->name));
  }
  first.complete = first.names.size() == place->n_entries;
  if (first.names.empty()) first.names = first_local_names(file);
  return first;
}

}  // namespace elves::formats::zip
