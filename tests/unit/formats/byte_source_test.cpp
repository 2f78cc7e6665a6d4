#include "formats/byte_source.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "support/posix.hpp"

namespace elves::formats {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// Reads `n` bytes, or returns the error message.
std::string read(const ByteSource& source, std::uint64_t offset_bytes, std::size_t n) {
  std::string out(n, '?');
  const auto done = source.read(offset_bytes, std::as_writable_bytes(std::span(out)));
  return done ? out : done.error().message;
}

TEST(ByteSource, memory_cannot_be_read_past_its_end) {
  const MemorySource source(bytes_of("abcdef"));
  EXPECT_EQ(read(source, 3, 3), "def");
  EXPECT_EQ(read(source, 6, 0), "");
  EXPECT_EQ(read(source, 4, 3), "read past the end, at byte 4");
  EXPECT_FALSE(source.read(~std::uint64_t{0}, {}));
}

TEST(ByteSource, a_window_cannot_be_read_past_its_end) {
  const MemorySource outer(bytes_of("abcdef"));
  const WindowSource source(outer, 1, 3);
  EXPECT_EQ(source.size_bytes(), 3u);
  EXPECT_EQ(read(source, 0, 3), "bcd");
  EXPECT_EQ(read(source, 1, 3), "read past the end, at byte 1");
  EXPECT_FALSE(source.read(~std::uint64_t{0}, {}));
}

TEST(ByteSource, a_file_that_became_shorter_is_an_error) {
  std::string path = ::testing::TempDir() + "elves-source-XXXXXX";
  const FileDescriptor file(::mkstemp(path.data()));
  ASSERT_TRUE(file);
  ASSERT_TRUE(pwrite_exactly(file.get(), bytes_of("abcdef"), 0));
  const FileSource source(file.get(), 10);  // the size at the time of the walk
  EXPECT_EQ(read(source, 3, 3), "def");
  EXPECT_NE(read(source, 5, 3).find("earlier than expected"), std::string::npos) << read(source, 5, 3);
  EXPECT_EQ(read(source, 8, 3), "read past the end, at byte 8");
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace elves::formats
