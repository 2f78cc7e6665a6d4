#include "formats/format.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <string>

#include "support/posix.hpp"
#include "unit/formats/partition.hpp"

namespace elves::formats {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(Container, every_row_has_a_name_and_a_number_of_its_own) {
  std::set<std::string_view> names{"plain"};
  std::set<ContainerId> ids{ContainerId::Opaque};
  for (const auto& row : containers()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(ids.insert(row.id).second) << row.name;
    EXPECT_EQ(name(row.id), row.name);
  }
  EXPECT_EQ(name(ContainerId::Opaque), "plain");
}

TEST(Container, an_empty_file_has_no_extents) {
  const auto parsed = parse_file(MemorySource({}));
  EXPECT_EQ(parsed.container, ContainerId::Opaque);
  EXPECT_TRUE(parsed.extents.empty());
  EXPECT_EQ(parsed.opaque_reason, "");
}

TEST(Container, a_file_of_no_known_format_is_one_glue_extent_without_a_reason) {
  for (const std::string text :
       {"x", "README\n", "{\"json\": [1, 2, 3]}", "%PDF-1.7 and more", "1234567\n{\"a\": 1}\n"}) {
    const auto parsed = parse_file(MemorySource(bytes_of(text)));
    EXPECT_EQ(partition_flaw(parsed, text.size()), "") << text;
    ASSERT_EQ(parsed.extents.size(), 1u) << text;
    EXPECT_FALSE(parsed.extents[0].is_layer);
    EXPECT_EQ(parsed.opaque_reason, "") << text;
  }
}

TEST(Container, layer_bytes_knows_scalars_empty_arrays_and_overflow) {
  using Shape = std::vector<std::uint64_t>;
  EXPECT_EQ(layer_bytes(DType::F64, Shape{}), 8u);
  EXPECT_EQ(layer_bytes(DType::BF16, Shape{3, 5}), 30u);
  EXPECT_EQ(layer_bytes(DType::F32, Shape{0, 5}), 0u);
  EXPECT_EQ(layer_bytes(DType::F32, Shape{std::uint64_t{1} << 63, 8, 0}), 0u);
  EXPECT_EQ(layer_bytes(DType::F32, Shape{std::uint64_t{1} << 62}), std::nullopt);
  EXPECT_EQ(layer_bytes(DType::U8, Shape{std::uint64_t{1} << 32, std::uint64_t{1} << 32}), std::nullopt);
  EXPECT_EQ(layer_bytes(DType::U8, Shape{~std::uint64_t{0}}), ~std::uint64_t{0});
}

TEST(Source, memory_gives_what_it_holds_and_an_error_beyond) {
  const MemorySource source(bytes_of("abcdef"));
  std::string out(3, '?');
  ASSERT_TRUE(source.read(3, std::as_writable_bytes(std::span(out))));
  EXPECT_EQ(out, "def");
  EXPECT_FALSE(source.read(4, std::as_writable_bytes(std::span(out))));
  EXPECT_FALSE(source.read(~std::uint64_t{0}, std::as_writable_bytes(std::span(out))));
  EXPECT_TRUE(source.read(6, {}));
}

TEST(Source, a_file_gives_what_it_holds_and_an_error_where_it_has_shrunk) {
  std::string path = ::testing::TempDir() + "elves-source-XXXXXX";
  const FileDescriptor file(::mkstemp(path.data()));
  ASSERT_TRUE(file);
  ASSERT_TRUE(pwrite_exactly(file.get(), bytes_of("abcdef"), 0));
  const FileSource source(file.get(), 10);  // the size at the time of the walk
  std::string out(3, '?');
  EXPECT_TRUE(source.read(3, std::as_writable_bytes(std::span(out))));
  EXPECT_EQ(out, "def");
  const auto shrunk = source.read(5, std::as_writable_bytes(std::span(out)));
  ASSERT_FALSE(shrunk);
  EXPECT_NE(shrunk.error().message.find("earlier than expected"), std::string::npos) << shrunk.error().message;
  EXPECT_FALSE(source.read(8, std::as_writable_bytes(std::span(out))));
  ::unlink(path.c_str());
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

TEST(Container, a_file_that_cannot_be_read_is_glue_and_says_why) {
  const auto parsed = parse_file(FailingSource());
  EXPECT_EQ(partition_flaw(parsed, 1000), "");
  EXPECT_EQ(parsed.opaque_reason, "safetensors: Input/output error");
}

}  // namespace
}  // namespace elves::formats
