#include "pipeline/report.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "encode/registry.hpp"

namespace elves::pipeline {
namespace {

/// A report of chunks of all transforms: 1000 raw bytes each, of which each takes off another number.
Report of_all_transforms() {
  Report report;
  report.duplicate_bytes = 5000;
  std::uint64_t n = 0;
  for (const auto& row : encode::transforms()) {
    auto& sums = report.transforms[static_cast<std::size_t>(row.id)];
    ++n;
    sums = {.layers = 1, .raw_bytes = 1000, .transformed_bytes = 1000 - 10 * n, .encoded_bytes = 500 - 7 * n};
    sums.alone_bytes = row.base_use == encode::BaseUse::None ? sums.encoded_bytes : sums.encoded_bytes + 100;
  }
  return report;
}

std::int64_t total_of(const nlohmann::json& stages) {
  std::int64_t total = 0;
  for (const auto& stage : stages) total += stage.get<std::int64_t>();
  return total;
}

TEST(ReportStages, add_up_to_the_bytes_saved) {
  const auto report = of_all_transforms();
  auto saved = static_cast<std::int64_t>(report.duplicate_bytes);
  for (const auto& sums : report.transforms)
    saved += static_cast<std::int64_t>(sums.raw_bytes) - static_cast<std::int64_t>(sums.encoded_bytes);
  EXPECT_EQ(total_of(nlohmann::json::parse(to_json(report))["stages"]), saved);
}

TEST(ReportStages, count_each_transform_for_the_stage_of_its_row) {
  for (const auto& row : encode::transforms()) {
    Report report;
    report.transforms[static_cast<std::size_t>(row.id)] = {
        .layers = 1, .raw_bytes = 1000, .transformed_bytes = 800, .encoded_bytes = 300, .alone_bytes = 600};
    const auto stages = nlohmann::json::parse(to_json(report))["stages"];
    const auto own = std::string(name(row.stage.value_or(Stage::Zstd)));
    EXPECT_GT(stages[own], 0) << row.name;
    EXPECT_EQ(total_of(stages), 700) << row.name;
  }
}

TEST(ReportStages, have_the_names_of_the_switches) {
  const auto stages = nlohmann::json::parse(to_json({}))["stages"];
  EXPECT_EQ(stages.size(), kStageCount);
  for (const auto* stage : {"hd", "elf", "de", "palette", "planes", "delta", "zstd"})
    EXPECT_TRUE(stages.contains(stage)) << stage;
}

}  // namespace
}  // namespace elves::pipeline
