#include "formats/shared/protobuf/wire_reader.hpp"

#include <fmt/format.h>

#include <utility>

#include "support/try.hpp"

namespace elves::formats::protobuf {
namespace {

constexpr std::uint64_t kMaxFieldNumber = (1U << 29) - 1;
constexpr unsigned kTypeBits = 3;
constexpr unsigned kTypeMask = (1U << kTypeBits) - 1;

}  // namespace

std::nullopt_t WireReader::fail(Error error) {
  error_ = std::move(error);
  return std::nullopt;
}

std::nullopt_t WireReader::refuse(const std::string& what) {
  return fail(Error{fmt::format("{} (at byte {})", what, at_)});
}

Result<void> WireReader::status() const {
  if (error_) return *error_;
  return {};
}

bool WireReader::read_value(WireField& field) {
  field.range.offset_bytes = file_.position();
  switch (field.type) {
    case WireType::Varint:
      field.value = file_.read_varint();
      break;
    case WireType::Fixed64:
      field.value = file_.read<std::uint64_t>();
      break;
    case WireType::Fixed32:
      field.value = file_.read<std::uint32_t>();
      break;
    case WireType::Bytes:
      field.range.length_bytes = file_.read_varint();
      field.range.offset_bytes = file_.position();
      return true;
    default:
      return false;
  }
  field.range.length_bytes = file_.position() - field.range.offset_bytes;
  return true;
}

std::optional<WireField> WireReader::next() {
  if (error_ || at_ >= end_) return std::nullopt;
  file_.seek(at_);
  const auto tag = file_.read_varint();
  if (file_.failed()) return fail(file_.error());
  const auto number = tag >> kTypeBits;
  if (number == 0 || number > kMaxFieldNumber) return refuse(fmt::format("a field has the number {}", number));
  WireField field{.number = static_cast<std::uint32_t>(number), .type = static_cast<WireType>(tag & kTypeMask)};
  if (!read_value(field)) return refuse(fmt::format("a field has the wire type {}", tag & kTypeMask));
  if (file_.failed()) return fail(file_.error());
  const auto [begin, length] = field.range;
  if (begin > end_ || length > end_ - begin) {
    return refuse(fmt::format("field {} passes the end of its message", number));
  }
  at_ = begin + length;
  return field;
}

Result<void> read_text(SourceCursor& file, ByteRange range, std::string& text) {
  file.seek(range.offset_bytes);
  text = file.take_text(range.length_bytes, kMaxTextBytes);
  if (file.failed()) return file.error();
  return {};
}

Result<void> find_text(SourceCursor& file, ByteRange message, std::uint32_t number, std::string& text) {
  return for_each_field(file, message, [&](const WireField& field) -> Result<void> {
    return field.is(number, WireType::Bytes) ? read_text(file, field.range, text) : Result<void>();
  });
}

Result<void> read_integers(SourceCursor& file, const WireField& field, std::vector<std::uint64_t>& numbers,
                           std::size_t limit) {
  const auto add = [&](std::uint64_t number) -> Result<void> {
    if (numbers.size() == limit) return Error{fmt::format("more than {} numbers in a list", limit)};
    numbers.push_back(number);
    return {};
  };
  if (field.type == WireType::Varint) return add(field.value);
  if (field.type != WireType::Bytes) return {};
  file.seek(field.range.offset_bytes);
  while (!file.failed() && file.position() < field.range.end_bytes()) {
    ELVES_CHECK(add(file.read_varint()));
  }
  if (file.failed()) return file.error();
  if (file.position() != field.range.end_bytes()) return Error{"a list of numbers ends within a number"};
  return {};
}

}  // namespace elves::formats::protobuf
