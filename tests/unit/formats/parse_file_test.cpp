#include "formats/parse_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "unit/formats/partition.hpp"

namespace elves::formats {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(ParseFile, an_empty_file_has_no_extents) {
  const auto parsed = parse_file(MemorySource({}));
  EXPECT_EQ(parsed.format, FormatId::Plain);
  EXPECT_TRUE(parsed.extents.empty());
  EXPECT_EQ(parsed.opaque_reason, "");
}

TEST(ParseFile, a_small_file_of_no_known_format_is_glue_without_a_reason) {
  for (const std::string text :
       {"x", "README\n", "{\"json\": [1, 2, 3]}", "%PDF-1.7 and more", "1234567\n{\"a\": 1}\n"}) {
    const auto parsed = parse_file(MemorySource(bytes_of(text)));
    EXPECT_EQ(partition_flaw(parsed, text.size()), "") << text;
    ASSERT_EQ(parsed.extents.size(), 1u) << text;
    EXPECT_FALSE(parsed.extents[0].is_layer);
    EXPECT_EQ(parsed.opaque_reason, "") << text;
  }
}

/// A file whose disk fails after its first ten bytes.
class FailingSource final : public ByteSource {
 public:
  std::uint64_t size_bytes() const override { return 1000; }
  Result<void> read(std::uint64_t offset_bytes, std::span<std::byte> out) const override {
    constexpr std::string_view kStart("\x40\0\0\0\0\0\0\0{\"", 10);
    if (offset_bytes + out.size() > kStart.size()) return Error{"Input/output error"};
    std::copy_n(bytes_of(kStart).begin() + static_cast<std::ptrdiff_t>(offset_bytes), out.size(), out.begin());
    return {};
  }
};

TEST(ParseFile, a_file_that_cannot_be_read_is_glue_with_the_error_as_reason) {
  const auto parsed = parse_file(FailingSource());
  EXPECT_EQ(partition_flaw(parsed, 1000), "");
  EXPECT_EQ(parsed.opaque_reason, "safetensors: Input/output error");
}

}  // namespace
}  // namespace elves::formats
