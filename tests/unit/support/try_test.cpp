#include "support/try.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace elves {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return Error{std::to_string(n) + " is odd"};
  return n / 2;
}

Result<void> expect_even(int n) {
  ELVES_CHECK(half(n));
  return {};
}

Result<int> quarter(int n) {
  ELVES_TRY(const auto once, half(n));
  ELVES_TRY(const auto twice, half(once));
  return twice;
}

Result<std::unique_ptr<int>> boxed(int n) {
  ELVES_TRY(const auto value, half(n));
  return std::make_unique<int>(value);
}

Result<int> unboxed(int n) {
  ELVES_TRY(auto box, boxed(n));
  return *box;
}

TEST(Try, gives_the_value) {
  EXPECT_EQ(*quarter(12), 3);
}

TEST(Try, returns_the_first_error) {
  EXPECT_EQ(quarter(7).error().message, "7 is odd");
  EXPECT_EQ(quarter(6).error().message, "3 is odd");
}

TEST(Try, moves_values_that_cannot_be_copied) {
  EXPECT_EQ(*unboxed(4), 2);
  EXPECT_FALSE(unboxed(3));
}

TEST(Check, returns_the_error_or_goes_on) {
  EXPECT_TRUE(expect_even(2));
  EXPECT_EQ(expect_even(3).error().message, "3 is odd");
}

}  // namespace
}  // namespace elves
