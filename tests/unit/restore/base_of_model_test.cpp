#include "restore/list/base_of_model.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace elves::restore {
namespace {

TEST(BaseOfModel, is_the_other_model_that_owns_the_bases_of_most_bytes) {
  const std::vector<BaseShare> bases{{"a/small", 30}, {"b/large", 60}, {"c/self", 900}};
  EXPECT_EQ(base_of_model("c/self", 600, bases), "b/large");
}

TEST(BaseOfModel, a_model_whose_deltas_have_bases_in_itself_is_standalone) {
  const std::vector<BaseShare> bases{{"a/m", 500}};
  EXPECT_EQ(base_of_model("a/m", 1000, bases), "");
}

TEST(BaseOfModel, less_than_a_tenth_of_the_files_is_no_base) {
  const std::vector<BaseShare> bases{{"a/base", 99}};
  EXPECT_EQ(base_of_model("a/m", 1000, bases), "");
  EXPECT_EQ(base_of_model("a/m", 990, bases), "a/base");
}

TEST(BaseOfModel, bases_that_no_model_owns_do_not_count) {
  const std::vector<BaseShare> bases{{"", 500}, {"a/base", 200}};
  EXPECT_EQ(base_of_model("a/m", 1000, bases), "a/base");
}

TEST(BaseOfModel, of_equals_the_smaller_identifier_in_any_order) {
  const std::vector<BaseShare> bases{{"b", 500}, {"a", 500}, {"c", 500}};
  EXPECT_EQ(base_of_model("m", 1000, bases), "a");
}

TEST(BaseOfModel, deltas_of_no_bytes_have_no_base) {
  const std::vector<BaseShare> bases{{"a", 0}};
  EXPECT_EQ(base_of_model("m", 0, bases), "");
  EXPECT_EQ(base_of_model("m", 0, {}), "");
}

}  // namespace
}  // namespace elves::restore
