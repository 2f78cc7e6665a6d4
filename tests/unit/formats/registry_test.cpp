#include "formats/registry.hpp"

#include <gtest/gtest.h>

#include <set>

namespace elves::formats {
namespace {

TEST(Registry, each_format_has_a_name_and_a_number_of_its_own) {
  std::set<std::string_view> names{"plain", "sniffed"};
  std::set<FormatId> ids{FormatId::Plain, FormatId::Sniffed};
  const auto check = [&](const auto& format) {
    EXPECT_TRUE(names.insert(format.name).second) << format.name;
    EXPECT_TRUE(ids.insert(format.id).second) << format.name;
    EXPECT_LT(static_cast<std::size_t>(format.id), kFormatCount) << format.name;
    EXPECT_EQ(name(format.id), format.name);
  };
  for (const auto* format : all_formats()) check(*format);
  for (const auto* format : all_companion_formats()) check(*format);
  EXPECT_EQ(ids.size(), kFormatCount);
}

TEST(Registry, files_without_a_parser_have_a_name) {
  EXPECT_EQ(name(FormatId::Plain), "plain");
  EXPECT_EQ(name(FormatId::Sniffed), "sniffed");
  EXPECT_EQ(name(FormatId::End), "plain") << "the number of a newer build";
}

}  // namespace
}  // namespace elves::formats
