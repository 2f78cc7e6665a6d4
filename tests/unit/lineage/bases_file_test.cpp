#include "lineage/bases_file.hpp"

#include <gtest/gtest.h>

namespace elves::lineage {
namespace {

TEST(BasesFile, has_a_model_and_its_base_on_each_line) {
  const auto rows = parse_bases_file("# model\tbase\norg/tuned\torg/base\n\n  \r\norg/tuned\t../other \r\n\xFF\tb");
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 3u);
  EXPECT_EQ((*rows)[0].model, "org/tuned");
  EXPECT_EQ((*rows)[0].base, "org/base");
  EXPECT_EQ((*rows)[1].base, "../other");
  EXPECT_EQ((*rows)[2].model, "\xFF");
  EXPECT_EQ((*rows)[2].base, "b");
}

TEST(BasesFile, may_be_empty) {
  for (const auto* text : {"", "\n", "#", "# nothing\n\n"}) {
    const auto rows = parse_bases_file(text);
    ASSERT_TRUE(rows) << text;
    EXPECT_TRUE(rows->empty()) << text;
  }
}

TEST(BasesFile, the_error_names_the_line) {
  for (const std::string line : {"org/tuned", "org/tuned org/base", "\torg/base", "org/tuned\t", "org/tuned\t \r",
                                 "a\tb\tc", " # a comment begins the line"}) {
    const auto rows = parse_bases_file("a/b\tc/d\n# fine\n" + line + "\nbad again\n");
    ASSERT_FALSE(rows) << line;
    EXPECT_NE(rows.error().message.find("line 3 "), std::string::npos) << rows.error().message;
  }
}

TEST(BasesFile, the_error_shows_the_beginning_of_a_long_line) {
  const auto rows = parse_bases_file(std::string(100'000, '\x01'));
  ASSERT_FALSE(rows);
  EXPECT_NE(rows.error().message.find("\\x01"), std::string::npos);
  EXPECT_LT(rows.error().message.size(), 2000u);
}

}  // namespace
}  // namespace elves::lineage
