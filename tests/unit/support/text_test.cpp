#include "support/text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace elves {
namespace {

TEST(Counted, has_a_plural_for_all_but_one) {
  EXPECT_EQ(counted(0, "file"), "0 files");
  EXPECT_EQ(counted(1, "file"), "1 file");
  EXPECT_EQ(counted(2, "shard"), "2 shards");
}

TEST(Text, bytes_are_exact_below_1024_and_have_three_digits_above) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.00 KiB");
  EXPECT_EQ(format_bytes(1536), "1.50 KiB");
  EXPECT_EQ(format_bytes(std::uint64_t{123} << 20), "123 MiB");
  EXPECT_EQ(format_bytes((std::uint64_t{12} << 40) + (std::uint64_t{1} << 39)), "12.5 TiB");
  EXPECT_EQ(format_bytes(~std::uint64_t{0}), "16.0 EiB");
}

TEST(Text, seconds_are_written_for_people) {
  EXPECT_EQ(format_seconds(0.04), "0.0 s");
  EXPECT_EQ(format_seconds(41.2), "41.2 s");
  EXPECT_EQ(format_seconds(61), "1 min 01 s");
  EXPECT_EQ(format_seconds(7380), "2 h 03 min");
  EXPECT_EQ(format_seconds(360000), "100 h 00 min");
}

TEST(Text, sizes_have_units_of_1024) {
  const auto bytes = [](std::string_view text) { return parse_bytes(text).value(); };
  EXPECT_EQ(bytes("7"), 7u);
  EXPECT_EQ(bytes("100k"), 102400u);
  EXPECT_EQ(bytes("512MB"), 512u << 20);
  EXPECT_EQ(bytes("4GiB"), std::uint64_t{4} << 30);
  EXPECT_EQ(bytes("1.5g"), std::uint64_t{3} << 29);
  EXPECT_EQ(bytes("2T"), std::uint64_t{2} << 40);
  EXPECT_EQ(bytes("1P"), std::uint64_t{1} << 50);
  EXPECT_EQ(bytes("12B"), 12u);
}

TEST(Text, what_is_no_size_is_an_error_that_shows_it) {
  for (const auto* text :
       {"", "x", "-1", "1e3", "1 G", "4Gi b", "4GiBB", "inf", "nan", "99999999999P", "0x10", "iB", "1iB"}) {
    const auto size = parse_bytes(text);
    ASSERT_FALSE(size) << text << " gave " << *size;
    EXPECT_NE(size.error().message.find("'" + std::string(text) + "'"), std::string::npos);
  }
}

TEST(Text, durations_have_units_or_the_form_of_slurm) {
  const auto seconds = [](std::string_view text) { return parse_seconds(text).value(); };
  EXPECT_EQ(seconds("90"), 90);
  EXPECT_EQ(seconds("90s"), 90);
  EXPECT_EQ(seconds("0.5s"), 0.5);
  EXPECT_EQ(seconds("15m"), 900);
  EXPECT_EQ(seconds("2h"), 7200);
  EXPECT_EQ(seconds("1h30m"), 5400);
  EXPECT_EQ(seconds("1d"), 86400);
  EXPECT_EQ(seconds("05:30"), 330);
  EXPECT_EQ(seconds("01:00:05"), 3605);
  EXPECT_EQ(seconds("2-03:00:00"), 2 * 86400 + 3 * 3600);
}

TEST(Text, what_is_no_duration_is_an_error_that_shows_it) {
  for (const auto* text : {"", "x", "-5", "5x", "1:", ":5", "1-", "1:2m", "1h-3", "--1:00:00", "1-2-03:00:00", "inf"}) {
    const auto duration = parse_seconds(text);
    ASSERT_FALSE(duration) << text << " gave " << *duration;
    EXPECT_NE(duration.error().message.find("'" + std::string(text) + "'"), std::string::npos)
        << duration.error().message;
  }
}

TEST(Text, hexadecimal_goes_there_and_back) {
  std::vector<std::byte> bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<std::byte>(i));
  const auto text = to_hex(bytes);
  EXPECT_TRUE(text.starts_with("000102"));
  EXPECT_TRUE(text.ends_with("fdfeff"));
  EXPECT_EQ(from_hex(text).value(), bytes);
  EXPECT_EQ(from_hex("aB").value(), std::vector<std::byte>{std::byte{0xAB}});
  EXPECT_FALSE(from_hex("abc"));
  EXPECT_FALSE(from_hex("0g"));
}

TEST(Text, valid_utf8_is_shown_as_it_is) {
  for (const std::string text : {"", "plain", "Größe", "模型", "🦙", "\xEF\xBF\xBF", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(Text, bytes_that_are_no_utf8_and_control_characters_are_shown_as_numbers) {
  EXPECT_EQ(printable("a\nb"), "a\\x0Ab");
  EXPECT_EQ(printable(std::string("\0\x7F", 2)), "\\x00\\x7F");
  EXPECT_EQ(printable("z\xFF"), "z\\xFF");
  EXPECT_EQ(printable("\xC3"), "\\xC3") << "cut short";
  EXPECT_EQ(printable("\xC0\x80"), "\\xC0\\x80") << "overlong";
  EXPECT_EQ(printable("\xE0\x80\x80"), "\\xE0\\x80\\x80") << "overlong";
  EXPECT_EQ(printable("\xED\xA0\x80"), "\\xED\\xA0\\x80") << "half of a surrogate pair";
  EXPECT_EQ(printable("\xF4\x90\x80\x80"), "\\xF4\\x90\\x80\\x80") << "beyond Unicode";
}

TEST(Text, split_keeps_empty_parts) {
  using Parts = std::vector<std::string>;
  EXPECT_EQ(split("a,b", ','), (Parts{"a", "b"}));
  EXPECT_EQ(split("", ','), Parts{""});
  EXPECT_EQ(split(",a,,", ','), (Parts{"", "a", "", ""}));
}

}  // namespace
}  // namespace elves
