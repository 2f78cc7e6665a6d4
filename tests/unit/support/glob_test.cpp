#include "support/glob.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace elves {
namespace {

TEST(Glob, a_star_stays_within_a_name) {
  EXPECT_TRUE(glob_match("a/*.bin", "a/x.bin"));
  EXPECT_TRUE(glob_match("a/*", "a/"));
  EXPECT_FALSE(glob_match("a/*.bin", "a/b/x.bin"));
  EXPECT_TRUE(glob_match("a/*x*y*", "a/1x2y3"));
  EXPECT_FALSE(glob_match("a/*x*y*", "a/1y2x3"));
}

TEST(Glob, a_question_mark_is_one_character_but_no_slash) {
  EXPECT_TRUE(glob_match("a?c", "abc"));
  EXPECT_FALSE(glob_match("a?c", "ac"));
  EXPECT_FALSE(glob_match("x/a?c", "x/a/c"));
}

TEST(Glob, two_stars_cross_folders) {
  EXPECT_TRUE(glob_match("a/**", "a/b/c"));
  EXPECT_TRUE(glob_match("a/**/z", "a/z"));
  EXPECT_TRUE(glob_match("a/**/z", "a/b/c/z"));
  EXPECT_TRUE(glob_match("**/z", "z"));
  EXPECT_TRUE(glob_match("**/*.bin", "a/b/x.bin"));
  EXPECT_TRUE(glob_match("a**z/y", "a/b/z/y"));
  EXPECT_FALSE(glob_match("a/**/z", "b/z"));
}

TEST(Glob, two_stars_and_a_slash_end_where_a_name_begins) {
  EXPECT_FALSE(glob_match("**/b", "ab"));
  EXPECT_FALSE(glob_match("a/**/z", "a/xz"));
  EXPECT_FALSE(glob_match("a/**/b/**/c", "a/xb/c"));
  EXPECT_TRUE(glob_match("a/**/b/**/c", "a/xb/b/y/c"));
  EXPECT_TRUE(glob_match("**/*x/y", "ax/bx/y"));
}

TEST(Glob, a_pattern_without_a_slash_matches_a_name_at_any_depth) {
  EXPECT_TRUE(glob_match("*.bin", "x.bin"));
  EXPECT_TRUE(glob_match("*.bin", "a/b/x.bin"));
  EXPECT_TRUE(glob_match("cache", "a/cache"));
  EXPECT_FALSE(glob_match("cache", "a/my-cache"));
}

TEST(Glob, a_folder_that_matches_includes_everything_below_it) {
  EXPECT_TRUE(glob_match("cache", "a/cache/b/c"));
  EXPECT_TRUE(glob_match("org/model", "org/model/x.bin"));
  EXPECT_TRUE(glob_match("org/*", "org/model/deep/x.bin"));
  EXPECT_FALSE(glob_match("org/model", "org/model2/x.bin"));
}

TEST(Glob, a_leading_slash_means_the_root_and_a_trailing_slash_is_ignored) {
  EXPECT_TRUE(glob_match("/cache", "cache/x"));
  EXPECT_FALSE(glob_match("/cache", "a/cache/x"));
  EXPECT_TRUE(glob_match("cache/", "a/cache/x"));
}

TEST(Glob, sets_contain_characters_and_ranges) {
  EXPECT_TRUE(glob_match("[abc]", "b"));
  EXPECT_TRUE(glob_match("x[0-9]y", "x7y"));
  EXPECT_FALSE(glob_match("x[0-9]y", "xay"));
  EXPECT_TRUE(glob_match("[!a-c]", "d"));
  EXPECT_FALSE(glob_match("[^a-c]", "b"));
  EXPECT_TRUE(glob_match("[]]", "]"));
  EXPECT_TRUE(glob_match("[a-]", "-"));
  EXPECT_TRUE(glob_match("[\x80-\xFF]", "\xE9"));
  EXPECT_FALSE(glob_match("[a-\xFF]", "A"));
  EXPECT_FALSE(glob_match("a[/]b", "a/b")) << "a set holds no slash";
}

TEST(Glob, an_unclosed_set_is_a_bracket) {
  EXPECT_TRUE(glob_match("a[b", "a[b"));
  EXPECT_FALSE(glob_match("a[b", "ab"));
}

TEST(Glob, other_characters_match_themselves) {
  EXPECT_TRUE(glob_match("a.b+c\\d", "a.b+c\\d"));
  EXPECT_FALSE(glob_match("a.b", "axb"));
  EXPECT_TRUE(glob_match("\xFF*", "\xFFz"));
}

TEST(Glob, many_stars_take_no_exponential_time) {
  std::string pattern;
  for (int i = 0; i < 40; ++i) pattern += "a*";
  EXPECT_FALSE(glob_match(pattern + "b", std::string(5000, 'a')));
  std::string globstars;
  for (int i = 0; i < 40; ++i) globstars += "**/a*/";
  std::string path;
  for (int i = 0; i < 1000; ++i) path += "aaa/";
  EXPECT_FALSE(glob_match(globstars + "b", path + "c"));
}

/// The meaning of a pattern, written down by recursion on both texts.
bool matches_by_definition(std::string_view pattern, std::string_view path, bool at_name = true) {
  if (pattern.empty()) return path.empty();
  if (at_name && pattern.starts_with("**/")) {
    if (matches_by_definition(pattern.substr(3), path)) return true;
    const auto slash = path.find('/');
    return slash != std::string_view::npos && matches_by_definition(pattern, path.substr(slash + 1));
  }
  if (pattern.starts_with("**")) {
    for (std::size_t n = 0; n <= path.size(); ++n) {
      if (matches_by_definition(pattern.substr(2), path.substr(n), false)) return true;
    }
    return false;
  }
  if (pattern[0] == '*') {
    for (std::size_t n = 0;; ++n) {
      if (matches_by_definition(pattern.substr(1), path.substr(n), false)) return true;
      if (n == path.size() || path[n] == '/') return false;
    }
  }
  if (path.empty() || (pattern[0] == '?' ? path[0] == '/' : pattern[0] != path[0])) return false;
  return matches_by_definition(pattern.substr(1), path.substr(1), pattern[0] == '/');
}

TEST(Glob, agrees_with_the_definition_on_random_patterns) {
  std::mt19937 random(1);
  const auto text = [&](std::string_view letters, std::size_t longest) {
    std::string result;
    for (auto n = random() % (longest + 1); n > 0; --n) result += letters[random() % letters.size()];
    return result;
  };
  int n_matches = 0;
  for (int i = 0; i < 300'000; ++i) {
    const auto pattern = "a/" + text("ab**/?", 9) + "b";  // has a slash, and ends in none: no special rules
    const auto path = "a/" + text("aab/", 9) + "b";
    bool expected = false;  // of the path or one of its folders
    for (std::size_t n = path.size(); n != std::string::npos; n = n == 0 ? std::string::npos : path.rfind('/', n - 1)) {
      expected = expected || matches_by_definition(pattern, path.substr(0, n));
    }
    ASSERT_EQ(glob_match(pattern, path), expected) << pattern << " on " << path;
    n_matches += expected;
  }
  EXPECT_GT(n_matches, 10'000);
}

TEST(PathFilter, takes_everything_without_patterns) {
  EXPECT_TRUE(PathFilter().takes("a/b"));
}

TEST(PathFilter, an_exclude_is_stronger_than_an_include) {
  const PathFilter filter{.include = {"*.bin", "docs"}, .exclude = {"tmp"}};
  EXPECT_TRUE(filter.takes("a/x.bin"));
  EXPECT_TRUE(filter.takes("docs/x.md"));
  EXPECT_FALSE(filter.takes("a/x.md"));
  EXPECT_FALSE(filter.takes("tmp/x.bin"));
}

}  // namespace
}  // namespace elves
