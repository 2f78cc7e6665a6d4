#include "formats/shared/zip/zip_directory.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <utility>

#include "formats/source_cursor.hpp"
#include "support/byte_cursor.hpp"
#include "support/checked.hpp"
#include "support/text.hpp"

namespace elves::formats::zip {
namespace {

constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::uint32_t kCentralSignature = 0x02014b50;
constexpr std::uint32_t kDescriptorSignature = 0x08074b50;
constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kZip64EndSignature = 0x06064b50;
constexpr std::uint32_t kLocatorSignature = 0x07064b50;

constexpr std::uint64_t kLocalBytes = 30;
constexpr std::uint64_t kLocalCrcAt = 14;
constexpr std::uint64_t kCentralBytes = 46;
constexpr std::uint64_t kCentralCrcAt = 16;
constexpr std::uint64_t kEndBytes = 22;
constexpr std::uint64_t kLocatorBytes = 20;
constexpr std::uint64_t kZip64EndBytes = 56;
constexpr std::uint64_t kMaxCommentBytes = 0xFFFF;

constexpr std::uint32_t kIn64Bits = 0xFFFFFFFF;  ///< stands where a zip64 field has the number
constexpr std::uint16_t kIn64Bits16 = 0xFFFF;
constexpr std::uint16_t kZip64Extra = 1;
constexpr std::uint16_t kHasDescriptor = 1 << 3;

constexpr std::uint64_t kRecognitionBytes = 256 << 10;
constexpr std::size_t kFirstLocalHeaders = 4;

Error entry_error(std::string_view name, const std::string& what) {
  return Error{"entry '" + printable(name.substr(0, 100)) + "' " + what};
}

/// Where the central directory lies.
struct Place {
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
  std::uint64_t n_entries = 0;
};

/// The numbers that an end record and a zip64 end record both have.
struct EndNumbers {
  std::uint64_t disk = 0;
  std::uint64_t directory_disk = 0;
  std::uint64_t n_entries_here = 0;
  Place directory{};
};

/// The 16 and 32-bit record at `bytes`, which begin with its signature.
EndNumbers read_end(std::span<const std::byte> bytes) {
  ByteCursor cursor(bytes);
  cursor.take(sizeof kEndSignature);
  EndNumbers end;
  end.disk = cursor.read<std::uint16_t>();
  end.directory_disk = cursor.read<std::uint16_t>();
  end.n_entries_here = cursor.read<std::uint16_t>();
  end.directory.n_entries = cursor.read<std::uint16_t>();
  end.directory.length_bytes = cursor.read<std::uint32_t>();
  end.directory.offset_bytes = cursor.read<std::uint32_t>();
  return end;
}

bool agrees(std::uint64_t in_few_bits, std::uint64_t in_64_bits, std::uint64_t placeholder) {
  return in_few_bits == in_64_bits || in_few_bits == placeholder;
}

bool agrees(const EndNumbers& end, const EndNumbers& end64) {
  return agrees(end.n_entries_here, end64.n_entries_here, kIn64Bits16) &&
         agrees(end.directory.n_entries, end64.directory.n_entries, kIn64Bits16) &&
         agrees(end.directory.length_bytes, end64.directory.length_bytes, kIn64Bits) &&
         agrees(end.directory.offset_bytes, end64.directory.offset_bytes, kIn64Bits);
}

/// The zip64 end record, which must end where its locator begins.
Result<EndNumbers> read_zip64_end(const ByteSource& file, std::uint64_t at, std::uint64_t locator_at) {
  const Error damaged{"damaged zip64 end record"};
  std::array<std::byte, kZip64EndBytes> bytes{};
  if (at > locator_at || locator_at - at < bytes.size()) return damaged;
  if (const auto done = file.read(at, bytes); !done) return done.error();
  ByteCursor cursor(bytes);
  if (cursor.read<std::uint32_t>() != kZip64EndSignature) return damaged;
  if (cursor.read<std::uint64_t>() != locator_at - at - 12) return damaged;
  cursor.take(4);  // versions
  EndNumbers end;
  end.disk = cursor.read<std::uint32_t>();
  end.directory_disk = cursor.read<std::uint32_t>();
  end.n_entries_here = cursor.read<std::uint64_t>();
  end.directory.n_entries = cursor.read<std::uint64_t>();
  end.directory.length_bytes = cursor.read<std::uint64_t>();
  end.directory.offset_bytes = cursor.read<std::uint64_t>();
  return end;
}

/// The directory that ends at byte `end_at`, where its end record begins.
Result<Place> checked_place(const EndNumbers& end, std::uint64_t end_at) {
  const auto& place = end.directory;
  if (end.disk != 0 || end.directory_disk != 0 || end.n_entries_here != place.n_entries) {
    return Error{"spans several disks"};
  }
  if (checked_add(place.offset_bytes, place.length_bytes) != end_at) {
    return Error{"the directory (" + std::to_string(place.length_bytes) + " bytes at byte " +
                 std::to_string(place.offset_bytes) + ") does not end where its end record begins"};
  }
  if (place.n_entries > place.length_bytes / kCentralBytes) {
    return Error{std::to_string(place.n_entries) + " entries cannot lie in a directory of " +
                 std::to_string(place.length_bytes) + " bytes"};
  }
  return place;
}

/// What the end record at byte `at` says, by way of its zip64 record where it has one.
Result<Place> follow_end(const ByteSource& file, std::uint64_t at, std::span<const std::byte> record) {
  const auto end = read_end(record);
  std::array<std::byte, kLocatorBytes> bytes{};
  if (at < bytes.size()) return checked_place(end, at);
  if (const auto done = file.read(at - bytes.size(), bytes); !done) return done.error();
  ByteCursor locator(bytes);
  if (locator.read<std::uint32_t>() != kLocatorSignature) return checked_place(end, at);
  const auto disk = locator.read<std::uint32_t>();
  const auto end64_at = locator.read<std::uint64_t>();
  if (disk != 0 || locator.read<std::uint32_t>() > 1) return Error{"spans several disks"};
  const auto end64 = read_zip64_end(file, end64_at, at - bytes.size());
  if (!end64) return end64.error();
  if (!agrees(end, *end64)) return Error{"the end record and its zip64 record differ"};
  return checked_place(*end64, end64_at);
}

/// Finds the last end record that fits its place: a comment may hold what looks like one.
Result<Place> find_directory(const ByteSource& file) {
  const auto size = file.size_bytes();
  Error why{"no end record: cut short?"};
  if (size < kEndBytes) return why;
  bool tried = false;
  const auto try_tail = [&](std::uint64_t tail_bytes) -> std::optional<Place> {
    std::vector<std::byte> tail(static_cast<std::size_t>(std::min(size, tail_bytes)));
    if (const auto done = file.read(size - tail.size(), tail); !done) return std::nullopt;
    for (auto at = tail.size() - kEndBytes + 1; at-- > 0;) {
      const auto record = std::span(tail).subspan(at);
      if (ByteCursor(record).read<std::uint32_t>() != kEndSignature) continue;
      const auto comment_bytes = ByteCursor(record.subspan(kEndBytes - 2)).read<std::uint16_t>();
      if (comment_bytes > record.size() - kEndBytes) continue;
      const auto place = follow_end(file, size - tail.size() + at, record);
      if (place) return *place;
      if (!std::exchange(tried, true)) why = place.error();
    }
    return std::nullopt;
  };
  if (const auto place = try_tail(kEndBytes)) return *place;
  if (const auto place = try_tail(kEndBytes + kMaxCommentBytes)) return *place;
  return why;
}

/// Replaces the placeholders among an entry's numbers by those of its zip64 field.
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
  return entry_error(entry.name, "lacks its zip64 numbers");
}

/// Reads one header of the central directory; nothing else than this header is checked.
Result<Entry> read_central(SourceCursor& cursor) {
  const auto at = cursor.position();
  std::array<std::byte, kCentralBytes> bytes{};
  cursor.fill(bytes);
  ByteCursor header(bytes);
  if (header.read<std::uint32_t>() != kCentralSignature) {
    return Error{"no entry at byte " + std::to_string(at) + " of the directory's"};
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
  if (const auto done = widen(entry, std::as_bytes(std::span(extra))); !done) return done.error();
  return entry;
}

/// Finds where the entry's data begin, and that its local header is of the same name. The sizes there are often
/// placeholders, and those of the directory are what readers trust.
Result<void> follow_local(const ByteSource& file, Entry& entry, std::uint64_t directory_at) {
  const auto misplaced = [&] {
    return entry_error(entry.name,
                       "has no local header of its name at byte " + std::to_string(entry.header_offset_bytes));
  };
  std::vector<std::byte> bytes(kLocalBytes + entry.name.size());
  if (entry.header_offset_bytes > directory_at || directory_at - entry.header_offset_bytes < bytes.size()) {
    return misplaced();
  }
  if (const auto done = file.read(entry.header_offset_bytes, bytes); !done) return done.error();
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
    return entry_error(entry.name,
                       "of " + std::to_string(entry.compressed_bytes) + " bytes reaches into the directory");
  }
  if (entry.is_stored() && entry.size_bytes != entry.compressed_bytes) {
    return entry_error(entry.name, "is stored as " + std::to_string(entry.compressed_bytes) + " bytes but has " +
                                       std::to_string(entry.size_bytes));
  }
  return {};
}

/// Length of a data descriptor of these bytes, which repeats the entry's CRC and sizes; 0 where this is none.
template <class Size>
std::uint64_t match_descriptor(std::span<const std::byte> bytes, const Entry& entry) {
  ByteCursor cursor(bytes);
  const bool same = cursor.read<std::uint32_t>() == entry.crc && cursor.read<Size>() == entry.compressed_bytes &&
                    cursor.read<Size>() == entry.size_bytes;
  return same && !cursor.failed() ? cursor.position() : 0;
}

/// Looks for the data descriptor, with or without signature, with sizes of 4 or 8 bytes. Returns where the entry ends.
Result<std::uint64_t> follow_descriptor(const ByteSource& file, Entry& entry, std::uint64_t directory_at) {
  const auto data_end = entry.data_offset_bytes + entry.compressed_bytes;
  if ((entry.flags & kHasDescriptor) == 0) return data_end;
  std::array<std::byte, 24> most{};
  const auto bytes = std::span(most).first(std::min<std::uint64_t>(most.size(), directory_at - data_end));
  if (const auto done = file.read(data_end, bytes); !done) return done.error();
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
      return entry_error(entries[order[i]].name, "overlaps another entry");
    }
  }
  return {};
}

/// Names of the headers at the front of a zip whose directory cannot be found, as far as their sizes can be trusted.
std::vector<std::string> local_names(const ByteSource& file) {
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

}  // namespace

Result<std::vector<Entry>> read_directory(const ByteSource& file) {
  const auto place = find_directory(file);
  if (!place) return place.error();
  std::vector<Entry> entries;
  std::vector<Range> ranges;
  std::uint64_t used_bytes = 0;
  SourceCursor cursor(file, place->offset_bytes);
  for (std::uint64_t i = 0; i < place->n_entries; ++i) {
    auto entry = read_central(cursor);
    if (!entry) return entry.error();
    if (const auto done = follow_local(file, *entry, place->offset_bytes); !done) return done.error();
    const auto end = follow_descriptor(file, *entry, place->offset_bytes);
    if (!end) return end.error();
    // Stops early where entries must overlap: memory stays within what the file's bytes can account for.
    used_bytes += *end - entry->header_offset_bytes;
    if (used_bytes > place->offset_bytes) return entry_error(entry->name, "overlaps another entry");
    ranges.push_back({entry->header_offset_bytes, *end});
    entries.push_back(std::move(*entry));
  }
  if (cursor.position() != place->offset_bytes + place->length_bytes) {
    return Error{"the directory has other bytes than those of its " + std::to_string(place->n_entries) + " entries"};
  }
  if (const auto done = check_overlaps(entries, ranges); !done) return done.error();
  return entries;
}

Names first_names(const ByteSource& file) {
  std::array<std::byte, 4> start{};
  if (file.size_bytes() < start.size() || !file.read(0, start)) return {};
  if (ByteCursor(start).read<std::uint32_t>() != kLocalSignature) return {};
  const auto place = find_directory(file);
  if (!place) return {.names = local_names(file), .complete = false};
  Names first;
  SourceCursor cursor(file, place->offset_bytes);
  while (first.names.size() < place->n_entries && cursor.position() - place->offset_bytes < kRecognitionBytes) {
    auto entry = read_central(cursor);
    if (!entry) break;
    first.names.push_back(std::move(entry->name));
  }
  first.complete = first.names.size() == place->n_entries;
  if (first.names.empty()) first.names = local_names(file);
  return first;
}

}  // namespace elves::formats::zip
