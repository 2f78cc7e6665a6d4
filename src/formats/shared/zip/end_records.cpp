#include "formats/shared/zip/end_records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "support/byte_cursor.hpp"
#include "support/checked.hpp"
#include "support/try.hpp"

namespace elves::formats::zip {
namespace {

constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kZip64EndSignature = 0x06064b50;
constexpr std::uint32_t kLocatorSignature = 0x07064b50;

constexpr std::uint64_t kCentralBytes = 46;  ///< of an entry with an empty name
constexpr std::uint64_t kEndBytes = 22;
constexpr std::uint64_t kLocatorBytes = 20;
constexpr std::uint64_t kZip64EndBytes = 56;
constexpr std::uint64_t kMaxCommentBytes = 0xFFFF;

// Placeholders for numbers that are in the zip64 record.
constexpr std::uint32_t kIn64Bits = 0xFFFFFFFF;
constexpr std::uint16_t kIn64Bits16 = 0xFFFF;

/// The numbers that an end record and a zip64 end record have in common.
struct EndNumbers {
  std::uint64_t disk = 0;
  std::uint64_t directory_disk = 0;
  std::uint64_t n_entries_here = 0;
  DirectoryPlace directory{};
};

/// Reads an end record, which begins with its signature.
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

/// Reads the zip64 end record. It must end where its locator begins.
Result<EndNumbers> read_zip64_end(const ByteSource& file, std::uint64_t at, std::uint64_t locator_at) {
  const Error damaged{"damaged zip64 end record"};
  std::array<std::byte, kZip64EndBytes> bytes{};
  if (at > locator_at || locator_at - at < bytes.size()) return damaged;
  ELVES_CHECK(file.read(at, bytes));
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

/// The place of the directory, which must end at `end_at`, where its end record begins.
Result<DirectoryPlace> checked_place(const EndNumbers& end, std::uint64_t end_at) {
  const auto& place = end.directory;
  if (end.disk != 0 || end.directory_disk != 0 || end.n_entries_here != place.n_entries) {
    return Error{"spans several disks"};
  }
  if (checked_add(place.offset_bytes, place.length_bytes) != end_at) {
    return Error{fmt::format("the directory ({} bytes at byte {}) does not end where its end record begins",
                             place.length_bytes, place.offset_bytes)};
  }
  if (place.n_entries > place.length_bytes / kCentralBytes) {
    return Error{fmt::format("{} entries do not fit in a directory of {} bytes", place.n_entries, place.length_bytes)};
  }
  return place;
}

/// The place that the end record at `at` gives, or its zip64 record if it has one.
Result<DirectoryPlace> follow_end(const ByteSource& file, std::uint64_t at, std::span<const std::byte> record) {
  const auto end = read_end(record);
  std::array<std::byte, kLocatorBytes> bytes{};
  if (at < bytes.size()) return checked_place(end, at);
  ELVES_CHECK(file.read(at - bytes.size(), bytes));
  ByteCursor locator(bytes);
  if (locator.read<std::uint32_t>() != kLocatorSignature) return checked_place(end, at);
  const auto disk = locator.read<std::uint32_t>();
  const auto end64_at = locator.read<std::uint64_t>();
  if (disk != 0 || locator.read<std::uint32_t>() > 1) return Error{"spans several disks"};
  ELVES_TRY(const auto end64, read_zip64_end(file, end64_at, at - bytes.size()));
  if (!agrees(end, end64)) return Error{"the end record and its zip64 record differ"};
  return checked_place(end64, end64_at);
}

}  // namespace

Result<DirectoryPlace> find_directory(const ByteSource& file) {
  const auto size = file.size_bytes();
  Error why{"no end record: cut short?"};
  if (size < kEndBytes) return why;
  bool tried = false;
  const auto try_tail = [&](std::uint64_t tail_bytes) -> std::optional<DirectoryPlace> {
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

}  // namespace elves::formats::zip
