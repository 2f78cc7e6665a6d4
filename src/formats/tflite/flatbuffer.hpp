#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "formats/source_cursor.hpp"

namespace elves::formats::flatbuffer {

/// A table, and the vtable with the offsets of its fields; both lie within the file.
struct Table {
  std::uint64_t offset_bytes = 0;
  std::uint64_t size_bytes = 0;  ///< 0 for a missing table, which has no fields
  std::uint64_t vtable_offset_bytes = 0;
  std::uint64_t vtable_size_bytes = 0;
};

/// The bytes of a vector's elements; they lie within the file.
struct Range {
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
};

/// Walks a flatbuffer that need not fit in memory. Like SourceCursor, it returns empty values and sets failed() for
/// anything outside of the file or of its table: check once after a group of reads. An absent field is empty, too.
/// Fields are numbered as in the schema. Since many tables and texts may share the same bytes, there are limits: on the
/// number of tables in all vectors together, and on the length of all texts together (the size of the file).
class Reader {
 public:
  static constexpr std::uint64_t kMaxTables = 1'000'000;

  explicit Reader(const ByteSource& file) : cursor_(file), vtables_(file), text_bytes_left_(file.size_bytes()) {}

  bool failed() const { return error_.has_value() || cursor_.failed() || vtables_.failed(); }
  /// The first failure; only after failed().
  Error error() const;

  Table root();
  /// The offsets of the tables in a vector, for table_at.
  std::vector<std::uint64_t> tables(const Table& table, unsigned field);
  Table table_at(std::uint64_t offset_bytes);

  bool has(const Table& table, unsigned field) { return find(table, field, 0).has_value(); }
  /// A vector of elements of this size.
  Range range(const Table& table, unsigned field, std::uint64_t element_bytes);
  /// A vector of numbers; fails if there are more than `limit`.
  std::vector<std::int32_t> numbers(const Table& table, unsigned field, std::uint64_t limit);
  std::string text(const Table& table, unsigned field);

  template <class T>
  requires(std::is_integral_v<T>) T number(const Table& table, unsigned field, T otherwise) {
    const auto at = find(table, field, sizeof(T));
    if (!at) return otherwise;
    cursor_.seek(*at);
    return cursor_.read<T>();
  }

 private:
  void fail(const char* flaw, std::uint64_t at_bytes);
  /// The offset of a field of this size; nothing if the table has no such field.
  std::optional<std::uint64_t> find(const Table& table, unsigned field, std::uint64_t size_bytes);
  /// The target of the offset stored at `at_bytes`.
  std::uint64_t follow(std::uint64_t at_bytes);

  SourceCursor cursor_;
  SourceCursor vtables_;  ///< a cursor of their own, because tables share them and they lie far away
  std::optional<Error> error_;
  std::uint64_t tables_left_ = kMaxTables;
  std::uint64_t text_bytes_left_;
};

}  // namespace elves::formats::flatbuffer
