#include "lineage/front_matter.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace elves::lineage {
namespace {

using Names = std::vector<std::string>;

Names bases_in(const std::string& matter) {
  return bases_in_front_matter("---\n" + matter + "---\n# A model\n");
}

TEST(FrontMatter, names_a_base) {
  EXPECT_EQ(bases_in("license: mit\nbase_model: org/base\ntags:\n- x\n"), Names{"org/base"});
  EXPECT_EQ(bases_in("base_model:   org/base  # the one\n"), Names{"org/base"});
  EXPECT_EQ(bases_in("base_model: 'org/it''s'\n"), Names{"org/it's"});
  EXPECT_EQ(bases_in("base_model: \"org/\\\"base\\\"\"  # quoted\n"), Names{"org/\"base\""});
  EXPECT_EQ(bases_in("\"base_model\": org/base\n"), Names{"org/base"});
  EXPECT_EQ(bases_in("base_model :\torg/base\n"), Names{"org/base"});
  EXPECT_EQ(bases_in("base_model:\n  org/base\n"), Names{"org/base"});
  EXPECT_EQ(bases_in("base_model: org/with#hash\n"), Names{"org/with#hash"});
}

TEST(FrontMatter, names_the_bases_of_a_block_list) {
  EXPECT_EQ(bases_in("base_model:\n- org/a\n- 'org/b' # and\n\n# a comment\n-   org/c\nlicense: mit\n- org/d\n"),
            (Names{"org/a", "org/b", "org/c"}));
  EXPECT_EQ(bases_in("base_model: # two\n  - org/a\n  - org/b\nlicense: mit\n"), (Names{"org/a", "org/b"}));
  EXPECT_EQ(bases_in("base_model:\n  - org/a\n- org/b\n"), Names{"org/a"}) << "an item of another list";
  EXPECT_EQ(bases_in("base_model:\n- org/a\n  - org/b\n- - org/c\n- name: org/d\n-\n"), Names{"org/a"});
}

TEST(FrontMatter, names_the_bases_of_a_flow_list) {
  EXPECT_EQ(bases_in("base_model: [org/a, \"org/b\" , 'org/c',]\n"), (Names{"org/a", "org/b", "org/c"}));
  EXPECT_EQ(bases_in("base_model: [\n  org/a, # one\n  org/b\n]\nlicense: mit\n"), (Names{"org/a", "org/b"}));
  EXPECT_EQ(bases_in("base_model:\n  [org/a,\n   org/b]\n"), (Names{"org/a", "org/b"}));
  EXPECT_EQ(bases_in("base_model: []\n"), Names{});
}

TEST(FrontMatter, the_last_of_repeated_keys_is_read) {
  EXPECT_EQ(bases_in("base_model: org/a\nbase_model: org/b\n"), Names{"org/b"});
  EXPECT_EQ(bases_in("base_model: [org/a]\nbase_model:\nlicense: mit\n"), Names{});
}

TEST(FrontMatter, other_keys_and_deeper_ones_name_no_base) {
  EXPECT_EQ(bases_in("base_model_relation: finetune\nmy_base_model: org/a\nbase_models: org/b\n"), Names{});
  EXPECT_EQ(bases_in("model-index:\n  base_model: org/a\n- base_model: org/b\n"), Names{});
  EXPECT_EQ(bases_in("base_model:org/a\n\"base_model: org/b\n"), Names{});
}

TEST(FrontMatter, null_and_yaml_syntax_are_no_names) {
  for (const std::string value :
       {"",          "~",           "null",       "None",    "\"\"",      "''",          "&anchor org/a",
        "*anchor",   "!!str org/a", "|",          ">-",      "{a: b}",    "name: org/a", "org/a:",
        "\"open",    "'open",       "\"a\\x41\"", "\"a\" b", "[[org/a]]", "[{a: b}]",    "[org/a",
        "[\"org/a]", "- org/a",     "@a",         "`a`"})
    EXPECT_EQ(bases_in("base_model: " + value + "\n"), Names{}) << value;
}

TEST(FrontMatter, lies_between_the_first_two_fences) {
  EXPECT_EQ(bases_in_front_matter("# A model\n---\nbase_model: org/a\n---\n"), Names{});
  EXPECT_EQ(bases_in_front_matter("---\nlicense: mit\n---\nbase_model: org/a\n---\n"), Names{});
  EXPECT_EQ(bases_in_front_matter("---\nbase_model: org/a\n"), Names{}) << "no second fence";
  EXPECT_EQ(bases_in_front_matter("---\nbase_model: org/a\n----\n"), Names{});
  EXPECT_EQ(bases_in_front_matter("---\nbase_model: org/a\n---"), Names{"org/a"});
  EXPECT_EQ(bases_in_front_matter("\n---  \nbase_model: org/a\n--- \n"), Names{"org/a"});
  for (const std::string card : {"", "-", "---", "---\n", "---\n---", "\xEF\xBB\xBF", "\n\n\n"})
    EXPECT_EQ(bases_in_front_matter(card), Names{}) << card;
}

TEST(FrontMatter, line_ends_and_byte_order_marks_of_windows_are_accepted) {
  EXPECT_EQ(bases_in_front_matter("\xEF\xBB\xBF---\r\nbase_model: org/a\r\n---\r\n"), Names{"org/a"});
  EXPECT_EQ(bases_in_front_matter("---\r\nbase_model:\r\n- org/a\r\n- 'org/b'\r\nx: y\r\n---\r\n"),
            (Names{"org/a", "org/b"}));
  EXPECT_EQ(bases_in_front_matter("---\r\nbase_model: [org/a,\r\n org/b]\r\n---\r\n"), (Names{"org/a", "org/b"}));
}

TEST(FrontMatter, every_prefix_of_a_card_is_accepted) {
  const std::string card = "---\nbase_model:\n- \"a/b\"\n- 'c/d' # e\nbase_model: [x/y, \"z\\\"\",\n 'w'] \n---\ntext";
  const auto whole = bases_in_front_matter(card);
  EXPECT_EQ(whole, (Names{"x/y", "z\"", "w"}));
  const auto end_of_fence = card.find("\n---\n") + 4;
  for (std::size_t n = 0; n < card.size(); ++n)
    EXPECT_EQ(bases_in_front_matter(card.substr(0, n)), n < end_of_fence ? Names{} : whole) << n;
}

TEST(FrontMatter, names_may_be_any_bytes) {
  EXPECT_EQ(bases_in("base_model: org/\xFF\xFE\n"), Names{"org/\xFF\xFE"});
  EXPECT_EQ(bases_in(std::string("base_model: a\0b\n", 16)), Names{std::string("a\0b", 3)});
}

TEST(FrontMatter, gives_at_most_16_names_of_at_most_512_bytes) {
  std::string list = "base_model:\n- " + std::string(513, 'x') + "\n";
  for (int i = 0; i < 100; ++i) list += "- org/" + std::to_string(i) + "\n";
  const auto names = bases_in(list);
  ASSERT_EQ(names.size(), kMostBasesOfFile);
  EXPECT_EQ(names.front(), "org/0");
  EXPECT_EQ(bases_in("base_model: " + std::string(512, 'x') + "\n").size(), 1u);
}

TEST(FrontMatter, the_time_is_linear_in_the_size) {
  const auto start = std::chrono::steady_clock::now();
  for (const std::string line : {"base_model: [\n", "base_model:\n", "base_model: [\"\n", "- - -\n", "[[[[[[[[\n", "\n",
                                 "base_model: [a, # [\n", "base_model: x\n", "---x\n", "  - a\n"}) {
    std::string matter = "base_model: [a,\n";
    while (matter.size() < (1u << 20)) matter += line;
    EXPECT_LE(bases_in(matter).size(), kMostBasesOfFile);
    EXPECT_LE(bases_in("base_model:\n" + matter).size(), kMostBasesOfFile);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace elves::lineage
