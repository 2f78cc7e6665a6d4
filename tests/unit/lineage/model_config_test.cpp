#include "lineage/model_config.hpp"

#include <gtest/gtest.h>

namespace elves::lineage {
namespace {

using Names = std::vector<std::string>;

TEST(ModelConfig, names_the_base) {
  EXPECT_EQ(bases_in_config(R"({"architectures": ["X"], "_name_or_path": "org/base", "n_layer": 6})"),
            Names{"org/base"});
  EXPECT_EQ(bases_in_config(R"({"base_model_name_or_path": "org/base", "r": 8, "bias": null})"), Names{"org/base"});
  EXPECT_EQ(bases_in_config(R"({"_name_or_path": "org/b", "base_model_name_or_path": "org/a"})"),
            (Names{"org/a", "org/b"}));
}

TEST(ModelConfig, the_last_of_repeated_keys_is_read) {
  EXPECT_EQ(bases_in_config(R"({"_name_or_path": "org/a", "_name_or_path": "org/b"})"), Names{"org/b"});
  EXPECT_EQ(bases_in_config(R"({"_name_or_path": "org/a", "_name_or_path": null})"), Names{});
}

TEST(ModelConfig, only_texts_at_the_top_are_names) {
  for (const std::string json :
       {R"({"_name_or_path": null})", R"({"_name_or_path": 7})", R"({"_name_or_path": ["org/a"]})",
        R"({"_name_or_path": {"_name_or_path": "org/a"}})", R"({"decoder": {"_name_or_path": "org/a"}})",
        R"({"_name_or_path": ""})", R"({"name_or_path": "org/a"})", R"([{"_name_or_path": "org/a"}])",
        R"("_name_or_path")", "null", "3.5", "{}", "[]"})
    EXPECT_EQ(bases_in_config(json), Names{}) << json;
  EXPECT_EQ(bases_in_config(R"({"decoder": {"a": [{"b": 1}]}, "_name_or_path": "org/a", "x": ["org/b"]})"),
            Names{"org/a"});
}

TEST(ModelConfig, damaged_json_names_no_base) {
  const std::string json = R"({"_name_or_path": "org/a", "x": [1, 2.5, true], "y": {"z": "w"}})";
  ASSERT_EQ(bases_in_config(json), Names{"org/a"});
  for (std::size_t n = 0; n < json.size(); ++n) EXPECT_EQ(bases_in_config(json.substr(0, n)), Names{}) << n;
  EXPECT_EQ(bases_in_config(json + "}"), Names{});
  EXPECT_EQ(bases_in_config("{\"_name_or_path\": \"org/\xFF\"}"), Names{}) << "JSON is UTF-8";
  EXPECT_EQ(bases_in_config(std::string("{\"_name_or_path\": \"a\0\"}", 23)), Names{});
  EXPECT_EQ(bases_in_config(R"({"_name_or_path": "org/a", "x": 1e999999})"), Names{});
}

TEST(ModelConfig, depth_does_not_matter) {
  constexpr std::size_t kDeep = 1u << 19;
  EXPECT_EQ(bases_in_config("{\"x\": " + std::string(kDeep, '[')), Names{});
  EXPECT_EQ(bases_in_config("{\"x\": " + std::string(kDeep, '[') + std::string(kDeep, ']') +
                            ", \"_name_or_path\": \"org/a\"}"),
            Names{"org/a"});
}

TEST(ModelConfig, names_that_are_too_long_are_ignored) {
  EXPECT_EQ(bases_in_config("{\"_name_or_path\": \"" + std::string(513, 'x') + "\"}"), Names{});
  EXPECT_EQ(bases_in_config("{\"_name_or_path\": \"" + std::string(512, 'x') + "\"}").size(), 1u);
}

TEST(ModelConfig, line_ends_and_byte_order_marks_of_windows_are_accepted) {
  EXPECT_EQ(bases_in_config("\xEF\xBB\xBF{\r\n\"_name_or_path\": \"org/a\"\r\n}\r\n"), Names{"org/a"});
}

}  // namespace
}  // namespace elves::lineage
