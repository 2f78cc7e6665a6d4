#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/source_cursor.hpp"
#include "support/try.hpp"

namespace elves::formats::protobuf {

/// Bytes of a file: a message, or the value of a field.
struct ByteRange {
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
  std::uint64_t end_bytes() const { return offset_bytes + length_bytes; }
};

/// Longer than any file: for recognizing a file that may be cut short.
inline constexpr ByteRange kEndless{.offset_bytes = 0, .length_bytes = ~std::uint64_t{0}};

enum class WireType : std::uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

struct WireField {
  std::uint32_t number = 0;
  WireType type = WireType::Varint;
  std::uint64_t value = 0;  ///< of a Varint, Fixed64 or Fixed32; signed numbers as two's complement
  ByteRange range{};        ///< of the value, without the tag; of Bytes also without the length

  bool is(std::uint32_t of_number, WireType of_type) const { return number == of_number && type == of_type; }
};

/// The fields of one message, in the order of the file. Bytes are skipped by their length, never read. A nested message
/// is a range for another reader on the same cursor; so a walk costs one read per tag, and the caller must limit its
/// depth. The caller must also skip fields of unknown numbers and known fields of another wire type, as libprotobuf
/// does. Groups (deprecated since proto2) are an Error.
///
/// Why not libprotobuf: it gives no offsets of fields in the file, and needs the whole message in memory.
class WireReader {
 public:
  /// Borrows the cursor. `message` must lie within the file, or be kEndless.
  WireReader(SourceCursor& file, ByteRange message)
      : file_(file), at_(message.offset_bytes), end_(message.end_bytes()) {}

  /// The next field; nothing at the end of the message or where it is damaged (then status() is an Error).
  std::optional<WireField> next();
  /// The Error that ended the reading, if any.
  Result<void> status() const;
  /// Offset of the next field in the file.
  std::uint64_t position() const { return at_; }

 private:
  std::nullopt_t fail(Error error);
  std::nullopt_t refuse(const std::string& what);
  bool read_value(WireField& field);

  SourceCursor& file_;
  std::uint64_t at_;
  std::uint64_t end_;
  std::optional<Error> error_{};
};

/// Calls `take(field)`, which returns a Result<void>, for each field; stops at the first Error.
template <class Take>
Result<void> for_each_field(SourceCursor& file, ByteRange message, Take take) {
  WireReader fields(file, message);
  while (const auto field = fields.next()) {
    ELVES_CHECK(take(*field));
  }
  return fields.status();
}

inline constexpr std::uint64_t kMaxTextBytes = 64 << 10;

/// Reads a text of the file; an Error if it is longer than kMaxTextBytes.
Result<void> read_text(SourceCursor& file, ByteRange range, std::string& text);

/// Reads the text with field number `number` in a message. If there are several, the last one wins, as in libprotobuf.
Result<void> find_text(SourceCursor& file, ByteRange message, std::uint32_t number, std::string& text);

/// Appends the numbers of a repeated integer field, packed or one by one, to `numbers`. An Error if there are more than
/// `limit`.
Result<void> read_integers(SourceCursor& file, const WireField& field, std::vector<std::uint64_t>& numbers,
                           std::size_t limit);

}  // namespace elves::formats::protobuf
