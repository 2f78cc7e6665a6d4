#include "support/link_target.hpp"

#include <gtest/gtest.h>

namespace elves {
namespace {

TEST(LinkTarget, is_relative_to_the_folder_of_the_link) {
  EXPECT_EQ(link_target("models--o--m/snapshots/r/w.bin", "../../../blobs/ab/cd"), "blobs/ab/cd");
  EXPECT_EQ(link_target("a/b", "c"), "a/c");
  EXPECT_EQ(link_target("b", "./c//d/."), "c/d");
}

TEST(LinkTarget, outside_of_the_corpus_there_is_none) {
  EXPECT_EQ(link_target("a/b", "/etc/passwd"), std::nullopt);
  EXPECT_EQ(link_target("a/b", "../../c"), std::nullopt);
  EXPECT_EQ(link_target("b", ".."), std::nullopt);
}

TEST(LinkTarget, the_corpus_itself_is_none) {
  EXPECT_EQ(link_target("a/b", ".."), std::nullopt);
  EXPECT_EQ(link_target("b", "."), std::nullopt);
}

}  // namespace
}  // namespace elves
