#include "restore/model_match.hpp"

#include <gtest/gtest.h>

namespace elves::restore {
namespace {

TEST(ModelMatch, an_identifier_a_glob_an_organisation_and_a_name) {
  EXPECT_EQ(match_model("org/name", "org/name"), ModelMatch::Whole);
  EXPECT_EQ(match_model("org/*", "org/name"), ModelMatch::Whole);
  EXPECT_EQ(match_model("org", "org/name"), ModelMatch::Whole);
  EXPECT_EQ(match_model("name", "org/name"), ModelMatch::Name);
  EXPECT_EQ(match_model("datasets/org", "datasets/org/name"), ModelMatch::Whole);
}

TEST(ModelMatch, parts_of_names_and_other_cases_match_nothing) {
  EXPECT_EQ(match_model("or", "org/name"), ModelMatch::None);
  EXPECT_EQ(match_model("nam", "org/name"), ModelMatch::None);
  EXPECT_EQ(match_model("ORG/name", "org/name"), ModelMatch::None);
  EXPECT_EQ(match_model("b/*", "org/name"), ModelMatch::None);
}

TEST(SimilarNames, nearest_first_by_the_whole_or_the_last_part) {
  const std::vector<std::string> names{"fp32lab/bytegpt-base", "fp32lab/bytegpt-bse", "other/model"};
  EXPECT_EQ(similar_names("FP32LAB/bytegpt-base", names), (std::vector{names[0], names[1]}));
  EXPECT_EQ(similar_names("Bytegpt-Base", names), (std::vector{names[0], names[1]}));
  EXPECT_TRUE(similar_names("whisper", names).empty());
}

TEST(SimilarNames, a_name_is_given_once) {
  const std::vector<std::string> names{"a/b", "a/b"};
  EXPECT_EQ(similar_names("A/b", names), std::vector<std::string>{"a/b"});
  EXPECT_EQ(did_you_mean(names), " (did you mean a/b, a/b?)");
  EXPECT_EQ(did_you_mean({}), "");
}

TEST(EqualButForCase, compares_whole_texts) {
  EXPECT_TRUE(equal_but_for_case("Org/A", "org/a"));
  EXPECT_FALSE(equal_but_for_case("org/a", "org/ab"));
}

}  // namespace
}  // namespace elves::restore
