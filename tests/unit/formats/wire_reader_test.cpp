#include "formats/shared/protobuf/wire_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "unit/formats/protobuf_builder.hpp"

namespace elves::formats::protobuf {
namespace {

/// The fields of `file`, and the message of the error that ended them, or "".
struct Fields {
  std::vector<WireField> found;
  std::string error;
};

Fields read(const std::string& file, ByteRange message) {
  const MemorySource source(bytes_of(file));
  SourceCursor cursor(source);
  WireReader reader(cursor, message);
  Fields fields;
  while (const auto field = reader.next()) fields.found.push_back(*field);
  if (const auto status = reader.status(); !status) fields.error = status.error().message;
  return fields;
}

Fields read(const std::string& file) {
  return read(file, {0, file.size()});
}

TEST(WireReader, gives_number_type_value_and_range_of_each_field) {
  const auto file = Message().number(1, 300).fixed64(2, 1.5).text(15, "word").fixed32(16, -2.0F).bytes();
  const auto fields = read(file);
  EXPECT_EQ(fields.error, "");
  ASSERT_EQ(fields.found.size(), 4u);
  EXPECT_TRUE(fields.found[0].is(1, WireType::Varint));
  EXPECT_EQ(fields.found[0].value, 300u);
  EXPECT_EQ(fields.found[0].range.offset_bytes, 1u);
  EXPECT_EQ(fields.found[0].range.length_bytes, 2u);
  EXPECT_TRUE(fields.found[1].is(2, WireType::Fixed64));
  EXPECT_EQ(fields.found[1].value, std::bit_cast<std::uint64_t>(1.5));
  EXPECT_EQ(fields.found[1].range.length_bytes, 8u);
  EXPECT_TRUE(fields.found[2].is(15, WireType::Bytes));
  EXPECT_EQ(file.substr(fields.found[2].range.offset_bytes, fields.found[2].range.length_bytes), "word");
  EXPECT_TRUE(fields.found[3].is(16, WireType::Fixed32));
  EXPECT_EQ(fields.found[3].value, std::bit_cast<std::uint32_t>(-2.0F));
  EXPECT_EQ(fields.found[3].range.end_bytes(), file.size());
}

TEST(WireReader, an_empty_message_has_no_fields_and_no_error) {
  const auto fields = read("");
  EXPECT_TRUE(fields.found.empty());
  EXPECT_EQ(fields.error, "");
}

TEST(WireReader, negative_numbers_are_in_two_s_complement) {
  const auto fields = read(Message().number(1, ~std::uint64_t{0}).bytes());
  ASSERT_EQ(fields.found.size(), 1u);
  EXPECT_EQ(fields.found[0].value, ~std::uint64_t{0});
}

TEST(WireReader, malformed_fields_are_refused) {
  const auto error_of = [](const std::string& bytes) { return read(bytes + std::string(20, '\1')).error; };
  EXPECT_EQ(error_of("\x08" + std::string(10, '\xFF')), "a number of more than 64 bits (at byte 11)");
  EXPECT_EQ(error_of(std::string(10, '\xFF')), "a number of more than 64 bits (at byte 10)");
  EXPECT_EQ(error_of(std::string(1, '\0')), "a field has the number 0 (at byte 0)");
  EXPECT_EQ(error_of(varint(std::uint64_t{1} << 32)), "a field has the number 536870912 (at byte 0)");
  EXPECT_EQ(error_of("\x0B"), "a field has the wire type 3 (at byte 0)") << "the start of a group";
  EXPECT_EQ(error_of("\x08\x01\x0C"), "a field has the wire type 4 (at byte 2)") << "the end of a group";
  EXPECT_EQ(error_of("\x0E"), "a field has the wire type 6 (at byte 0)");
  EXPECT_EQ(error_of("\x0F"), "a field has the wire type 7 (at byte 0)");
}

TEST(WireReader, a_field_that_passes_the_end_of_its_message_is_an_error) {
  const auto error_of = [](const std::string& bytes, std::uint64_t message_bytes) {
    return read(bytes + std::string(100, '\1'), {0, message_bytes}).error;
  };
  EXPECT_EQ(error_of("\x0A\x05", 6), "field 1 passes the end of its message (at byte 0)");
  EXPECT_EQ(error_of("\x0A\x04", 6), "");
  EXPECT_EQ(error_of("\x0A" + varint(~std::uint64_t{0}), 50), "field 1 passes the end of its message (at byte 0)");
  EXPECT_EQ(error_of("\x0D", 4), "field 1 passes the end of its message (at byte 0)");
  EXPECT_EQ(error_of("\x09", 8), "field 1 passes the end of its message (at byte 0)");
  EXPECT_EQ(error_of("\x08\x80\x01", 2), "field 1 passes the end of its message (at byte 0)");
}

TEST(WireReader, a_message_that_is_cut_short_is_an_error) {
  EXPECT_EQ(read("\x0D\x01\x02").error, "cut short, or a size in it is wrong (at byte 1)");
  EXPECT_EQ(read("\x08").error, "cut short, or a size in it is wrong (at byte 1)");
  EXPECT_EQ(read("\x08\x01", kEndless).error, "cut short, or a size in it is wrong (at byte 2)");
}

TEST(WireReader, an_endless_message_may_have_fields_past_the_end_of_the_file) {
  const auto fields = read("\x0A\x64 cut", kEndless);
  ASSERT_EQ(fields.found.size(), 1u);
  EXPECT_EQ(fields.found[0].range.end_bytes(), 102u);
}

/// A terabyte of bytes 1; counts the bytes that are read.
class VastSource final : public ByteSource {
 public:
  std::uint64_t size_bytes() const override { return std::uint64_t{1} << 40; }
  Result<void> read(std::uint64_t offset_bytes, std::span<std::byte> out) const override {
    std::fill(out.begin(), out.end(), std::byte{1});
    const auto head = "\x0A" + varint(size_bytes() - 100);
    for (std::size_t i = 0; i < out.size() && offset_bytes + i < head.size(); ++i) {
      out[i] = static_cast<std::byte>(head[offset_bytes + i]);
    }
    read_bytes_ += out.size();
    return {};
  }
  std::uint64_t read_bytes() const { return read_bytes_; }

 private:
  mutable std::uint64_t read_bytes_ = 0;
};

TEST(WireReader, bytes_are_skipped_not_read) {
  const VastSource file;
  SourceCursor cursor(file);
  WireReader fields(cursor, {0, file.size_bytes()});
  const auto first = fields.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->range.length_bytes, file.size_bytes() - 100);
  const auto second = fields.next();
  EXPECT_FALSE(second) << "01 is a Fixed64 of number 0";
  EXPECT_LT(file.read_bytes(), 64u << 10);
}

TEST(WireReader, integers_may_be_packed_or_not) {
  const auto file = Message().number(1, 7).packed(1, {300, ~std::uint64_t{0}}).fixed32(1, 1.0F).bytes();
  const MemorySource source(bytes_of(file));
  SourceCursor cursor(source);
  std::vector<std::uint64_t> numbers;
  for (const auto& field : read(file).found) ASSERT_TRUE(read_integers(cursor, field, numbers, 3));
  EXPECT_EQ(numbers, (std::vector<std::uint64_t>{7, 300, ~std::uint64_t{0}}));
  const auto more = read_integers(cursor, read(file).found[0], numbers, 3);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().message, "more than 3 numbers in a list");
}

TEST(WireReader, a_packed_list_must_not_end_within_a_number) {
  const auto file = Message().text(1, "\x01\x80").number(2, 1).bytes();
  const MemorySource source(bytes_of(file));
  SourceCursor cursor(source);
  std::vector<std::uint64_t> numbers;
  const auto done = read_integers(cursor, read(file).found[0], numbers, 10);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "a list of numbers ends within a number");
}

TEST(WireReader, the_length_of_a_text_is_limited) {
  const auto file = Message().text(1, "name").text(2, std::string(kMaxTextBytes + 1, 'n')).bytes();
  const MemorySource source(bytes_of(file));
  std::string text;
  SourceCursor cursor(source);
  ASSERT_TRUE(find_text(cursor, {0, file.size()}, 1, text));
  EXPECT_EQ(text, "name");
  const auto longer = find_text(cursor, {0, file.size()}, 2, text);
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().message, "a text of 65537 bytes, but at most 65536 are allowed (at byte 10)");
}

}  // namespace
}  // namespace elves::formats::protobuf
