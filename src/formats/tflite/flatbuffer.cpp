#include "formats/tflite/flatbuffer.hpp"

#include <fmt/format.h>

#include <span>

#include "support/checked.hpp"

namespace elves::formats::flatbuffer {
namespace {

constexpr std::uint64_t kOffsetBytes = 4;
constexpr std::uint64_t kVtableEntryBytes = 2;
constexpr std::uint64_t kVtableHeaderBytes = 2 * kVtableEntryBytes;

}  // namespace

void Reader::fail(const char* flaw, std::uint64_t at_bytes) {
  if (!failed()) error_ = Error{fmt::format("{} (at byte {})", flaw, at_bytes)};
}

Error Reader::error() const {
  if (error_) return *error_;
  return cursor_.failed() ? cursor_.error() : vtables_.error();
}

Table Reader::root() {
  return table_at(follow(0));
}

std::uint64_t Reader::follow(std::uint64_t at_bytes) {
  cursor_.seek(at_bytes);
  return at_bytes + cursor_.read<std::uint32_t>();
}

Table Reader::table_at(std::uint64_t offset_bytes) {
  cursor_.seek(offset_bytes);
  const auto back = cursor_.read<std::int32_t>();
  const auto left = cursor_.remaining() + kOffsetBytes;
  // An offset before the start of the file wraps to one far past its end.
  const auto vtable = offset_bytes - static_cast<std::uint64_t>(std::int64_t{back});
  vtables_.seek(vtable);
  const std::uint64_t vtable_size = vtables_.read<std::uint16_t>();
  const std::uint64_t size = vtables_.read<std::uint16_t>();
  if (failed()) return {};
  if (vtable_size < kVtableHeaderBytes || vtable_size % kVtableEntryBytes != 0 ||
      vtable_size - kVtableHeaderBytes > vtables_.remaining()) {
    fail("a vtable has a wrong size", vtable);
    return {};
  }
  if (size < kOffsetBytes || size > left) {
    fail("a table has a wrong size", offset_bytes);
    return {};
  }
  return {.offset_bytes = offset_bytes,
          .size_bytes = size,
          .vtable_offset_bytes = vtable,
          .vtable_size_bytes = vtable_size};
}

std::optional<std::uint64_t> Reader::find(const Table& table, unsigned field, std::uint64_t size_bytes) {
  const auto entry = kVtableHeaderBytes + field * kVtableEntryBytes;
  if (failed() || entry + kVtableEntryBytes > table.vtable_size_bytes) return std::nullopt;
  vtables_.seek(table.vtable_offset_bytes + entry);
  const std::uint64_t offset = vtables_.read<std::uint16_t>();
  if (offset == 0) return std::nullopt;
  if (offset < kOffsetBytes || offset + size_bytes > table.size_bytes) {
    fail("a field lies outside of its table", table.offset_bytes);
    return std::nullopt;
  }
  return table.offset_bytes + offset;
}

Range Reader::range(const Table& table, unsigned field, std::uint64_t element_bytes) {
  const auto at = find(table, field, kOffsetBytes);
  if (!at) return {};
  const auto start = follow(*at);
  cursor_.seek(start);
  const auto bytes = checked_mul<std::uint64_t>(cursor_.read<std::uint32_t>(), element_bytes);
  if (failed()) return {};
  if (!bytes || *bytes > cursor_.remaining()) {
    fail("a vector passes the end of the file", start);
    return {};
  }
  return {.offset_bytes = cursor_.position(), .length_bytes = *bytes};
}

std::vector<std::uint64_t> Reader::tables(const Table& table, unsigned field) {
  const auto found = range(table, field, kOffsetBytes);
  const auto n = found.length_bytes / kOffsetBytes;
  if (n > tables_left_) {
    fail("it has too many tables", found.offset_bytes);
    return {};
  }
  tables_left_ -= n;
  std::vector<std::uint64_t> tables(n);
  for (std::uint64_t i = 0; i < n; ++i) tables[i] = follow(found.offset_bytes + i * kOffsetBytes);
  return tables;
}

std::vector<std::int32_t> Reader::numbers(const Table& table, unsigned field, std::uint64_t limit) {
  const auto found = range(table, field, sizeof(std::int32_t));
  const auto n = found.length_bytes / sizeof(std::int32_t);
  if (n > limit) {
    fail("a vector is too long", found.offset_bytes);
    return {};
  }
  std::vector<std::int32_t> numbers(n);
  cursor_.seek(found.offset_bytes);
  cursor_.fill(std::as_writable_bytes(std::span(numbers)));
  return numbers;
}

std::string Reader::text(const Table& table, unsigned field) {
  const auto found = range(table, field, 1);
  if (found.length_bytes > text_bytes_left_) {
    fail("its texts are longer than the file", found.offset_bytes);
    return {};
  }
  text_bytes_left_ -= found.length_bytes;
  cursor_.seek(found.offset_bytes);
  return cursor_.take_text(found.length_bytes, found.length_bytes);
}

}  // namespace elves::formats::flatbuffer
