#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/source_cursor.hpp"

namespace elves::formats::protobuf {

/// Bytes of a file: a message, or what a field holds.
struct ByteRange {
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
  std::uint64_t end_bytes() const { return offset_bytes + length_bytes; }
};

/// Longer than any file: for the start of a file that may be cut short.
inline constexpr ByteRange kEndless{.offset_bytes = 0, .length_bytes = ~std::uint64_t{0}};

enum class WireType : std::uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

struct WireField {
  std::uint32_t number = 0;
  WireType type = WireType::Varint;
  std::uint64_t value = 0;  ///< of a Varint, Fixed64 or Fixed32; signed numbers as two's complement
  ByteRange range{};        ///< of the value: without its tag, and of Bytes without its length

  bool is(std::uint32_t of_number, WireType of_type) const { return number == of_number && type == of_type; }
};

/// The fields of one message, in the order of the file. Bytes are skipped by their length, never read: a nested message
/// is a range for another reader on the same cursor, so that a walk costs what its tags cost, and how deep it goes is
/// the caller's to limit. Fields of unknown numbers, and known ones of another wire type, are the caller's to pass
/// over, as libprotobuf does. Groups, which proto2 dropped long ago, are refused.
///
/// Why not libprotobuf: it does not tell where in the file a field lies, and wants the whole message in memory.
class WireReader {
 public:
  /// Borrows the cursor. `message` must lie within the file, or be kEndless.
  WireReader(SourceCursor& file, ByteRange message)
      : file_(file), at_(message.offset_bytes), end_(message.end_bytes()) {}

  /// Nothing at the end of the message, and where it is damaged: status() tells which.
  std::optional<WireField> next();
  /// The Error that ended the reading, if one did.
  Result<void> status() const;
  /// Where the next field begins.
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

/// Calls `take(field)`, which gives a Result<void>, for each field; stops at the first Error.
template <class Take>
Result<void> for_each_field(SourceCursor& file, ByteRange message, Take take) {
  WireReader fields(file, message);
  while (const auto field = fields.next()) {
    if (auto taken = take(*field); !taken) return taken;
  }
  return fields.status();
}

inline constexpr std::uint64_t kMaxTextBytes = 64 << 10;

/// Reads a text of the file; an Error where it is longer than kMaxTextBytes.
Result<void> read_text(SourceCursor& file, ByteRange range, std::string& text);

/// Reads the texts of one number in a message into `text`: the last one stays, as in libprotobuf.
Result<void> find_text(SourceCursor& file, ByteRange message, std::uint32_t number, std::string& text);

/// The numbers of a repeated integer field, packed or one by one, added to `numbers`; an Error past `limit`.
Result<void> read_integers(SourceCursor& file, const WireField& field, std::vector<std::uint64_t>& numbers,
                           std::size_t limit);

}  // namespace elves::formats::protobuf
