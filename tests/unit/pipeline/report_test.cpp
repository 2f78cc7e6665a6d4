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
  report.glue_duplicate_bytes = 300;
  std::uint64_t n = 0;
  for (const auto& row : encode::transforms()) {
    auto& sums = report.transforms[static_cast<std::size_t>(row.id)];
    ++n;
    sums = {.layers = 1, .raw_bytes = 1000, .transformed_bytes = 1000 - 10 * n, .encoded_bytes = 500 - 7 * n};
    sums.standalone_bytes = row.base_use == encode::BaseUse::None ? sums.encoded_bytes : sums.encoded_bytes + 100;
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
  auto saved = static_cast<std::int64_t>(report.duplicate_bytes + report.glue_duplicate_bytes);
  for (const auto& sums : report.transforms)
    saved += static_cast<std::int64_t>(sums.raw_bytes) - static_cast<std::int64_t>(sums.encoded_bytes);
  EXPECT_EQ(total_of(nlohmann::json::parse(to_json(report))["stages"]), saved);
}

TEST(ReportStages, count_each_transform_for_the_stage_of_its_row) {
  for (const auto& row : encode::transforms()) {
    Report report;
    report.transforms[static_cast<std::size_t>(row.id)] = {
        .layers = 1, .raw_bytes = 1000, .transformed_bytes = 800, .encoded_bytes = 300, .standalone_bytes = 600};
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

Report of_one_model(const std::string& id, const std::string& base) {
  Report report;
  auto& model = report.models[id];
  model.files = 1;
  model.bytes = 1000;
  model.bases[hash128(base)] = {
      .layers = 2, .layers_by_lineage = 0, .bytes = 1000, .stored_bytes = 200, .standalone_bytes = 700};
  report.base_models[hash128(base)] = base;
  return report;
}

TEST(ReportBases, name_the_model_that_most_bytes_of_the_deltas_come_from) {
  const auto report = of_one_model("lab/tuned", "lab/base");
  const auto model = nlohmann::json::parse(to_json(report))["models"][0];
  EXPECT_EQ(model["base"], "lab/base");
  EXPECT_EQ(model["bases"][0]["saved_bytes"], 500);
  EXPECT_NE(to_text(report, "a")
                .find("deltas      2 layers in 1 model: 1000 -> 200 B (500 B less than without a base)\n"
                      "  lab/tuned from lab/base (by content)"),
            std::string::npos)
      << to_text(report, "a");
}

TEST(ReportBases, leave_out_the_model_itself) {
  const auto report = of_one_model("lab/same", "lab/same");
  const auto model = nlohmann::json::parse(to_json(report))["models"][0];
  EXPECT_TRUE(model["base"].is_null());
  EXPECT_TRUE(model["bases"].empty());
  EXPECT_EQ(to_text(report, "a").find("deltas"), std::string::npos) << to_text(report, "a");
}

TEST(ReportSummary, of_a_sweep_with_nothing_new_has_no_line_of_zeros) {
  Report report;
  report.corpus_files = report.skipped_files = 3;
  report.corpus_bytes = report.skipped_bytes = 4096;
  report.file_bytes_total = 4096;
  report.bytes_total = 2048;
  report.shards = 1;
  report.threads = 2;
  EXPECT_EQ(to_text(report, "hub.elves"),
            "corpus      4.00 KiB in 3 files\n"
            "unchanged   4.00 KiB in 3 files, archived before\n"
            "archive     hub.elves: 2.00 KiB for 4.00 KiB of files in 1 shard: 2.000x\n"
            "memory      at most 0 B a rank; 1 rank x 2 threads\n");
}

TEST(ReportSummary, counts_files_within_bounds_and_files_that_are_exact) {
  Report report;
  report.files_exact = 5;
  EXPECT_NE(to_text(report, "a").find("loss        none: 5 files bit for bit\n"), std::string::npos);
  report.files_within_bounds = 1;
  report.max_abs_error = 5.96e-8;
  EXPECT_NE(to_text(report, "a")
                .find("loss        1 file within bounds (largest error 5.96e-08), 5 bit for bit; "
                      "with --lossless all are bit for bit\n"),
            std::string::npos)
      << to_text(report, "a");
}

TEST(ReportSummary, shows_the_notes_that_a_person_can_act_on) {
  Report report;
  report.notes.push_back({"lab/tuned", "its base 'lab/gone' is no model of the corpus"});
  report.unused_lineage.push_back({"lab/other", "names lab/base as its base"});
  const auto text = to_text(report, "a");
  EXPECT_NE(text.find("note        lab/tuned: its base"), std::string::npos) << text;
  EXPECT_EQ(text.find("lab/other"), std::string::npos) << text;
  EXPECT_EQ(nlohmann::json::parse(to_json(report))["notes"].size(), 2u);
}

TEST(ReportSummary, shows_superseded_versions_beside_the_ratio_of_current_files) {
  Report report;
  report.file_bytes_total = 3000;
  report.bytes_total = 1500;
  report.superseded_bytes = 2000;
  EXPECT_DOUBLE_EQ(report.ratio(), 2.0);
  EXPECT_NE(to_text(report, "a").find("also holds 1.95 KiB of superseded versions of files"), std::string::npos);
}

TEST(ReportLayers, count_glue_apart) {
  Report report;
  report.duplicate_bytes = 100;
  report.glue_duplicate_bytes = 7;
  const auto tree = nlohmann::json::parse(to_json(report));
  EXPECT_EQ(tree["layers"]["duplicate_bytes"], 100);
  EXPECT_EQ(tree["corpus"]["glue_duplicate_bytes"], 7);
  EXPECT_EQ(tree["stages"]["hd"], 107);
}

}  // namespace
}  // namespace elves::pipeline
