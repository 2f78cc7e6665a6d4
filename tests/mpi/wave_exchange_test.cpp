#include "pipeline/wave_exchange.hpp"

#include <gtest/gtest.h>

#include "elves/codec.hpp"

namespace elves::pipeline {
namespace {

/// A wave of files of two layers each, of which this rank planned a contiguous part.
class WaveExchange : public ::testing::Test {
 protected:
  static constexpr std::size_t kFiles = 11;

  WaveExchange() {
    const auto rank = static_cast<std::size_t>(comm_.rank());
    const auto ranks = static_cast<std::size_t>(comm_.size());
    std::vector<plan::PlannedFile> files;
    for (auto i = kFiles * rank / ranks; i < kFiles * (rank + 1) / ranks; ++i) {
      plan::PlannedFile file;
      file.entry.path = "file" + std::to_string(100 + i);
      file.entry.inode = i;
      for (const std::uint64_t bytes : {std::uint64_t{40}, (1 + i % 3) * kChunkBytes}) {
        file.parsed.extents.push_back(
            {.offset_bytes = file.entry.size_bytes, .length_bytes = bytes, .dtype = DType::F32});
        file.entry.size_bytes += bytes;
      }
      files.push_back(std::move(file));
    }
    plan_ = plan::make_plan(comm_, std::move(files), {1u << 30, 64u << 20});
    assign(comm_, plan_, 0, std::vector<bool>(plan_.files.size()), planned_, assigned_);
  }

  /// A digest that tells which chunk it is of.
  static Hash128 digest_of(std::uint64_t inode, std::uint64_t file_offset) { return {inode, file_offset}; }

  const mpi::Comm& comm_ = mpi::world();
  plan::Plan plan_;
  PlannedWave planned_;
  AssignedWave assigned_;
};

TEST_F(WaveExchange, every_chunk_is_assigned_to_one_worker_in_corpus_order) {
  std::uint64_t planned_bytes = 0;
  for (const auto& unit : plan_.units) planned_bytes += unit.size_bytes;
  EXPECT_EQ(comm_.sum(assigned_.raw_bytes), comm_.sum(planned_bytes));
  std::uint64_t at = 0;
  for (const auto& chunk : assigned_.chunks) {
    EXPECT_EQ(chunk.buffer_at, at);
    at += chunk.size_bytes;
    const auto& source = assigned_.sources.at(chunk.source);
    EXPECT_EQ(source.path, "file" + std::to_string(100 + source.inode));
    EXPECT_LE(chunk.file_offset + chunk.size_bytes, source.size_bytes);
  }
}

TEST_F(WaveExchange, digests_and_errors_reach_the_planner_of_the_file) {
  for (auto& chunk : assigned_.chunks)
    chunk.digest = digest_of(assigned_.sources[chunk.source].inode, chunk.file_offset);
  for (auto& source : assigned_.sources)
    if (source.inode == 4) source.error = "gone";
  const auto result = collect_read_results(comm_, plan_, planned_, assigned_);
  ASSERT_EQ(result.digests.size(), plan_.units.size());
  for (std::size_t u = 0; u < plan_.units.size(); ++u) {
    const auto& unit = plan_.units[u];
    ASSERT_EQ(result.digests[u].size(), plan::chunks_of(unit.dtype, unit.size_bytes));
    for (std::uint32_t c = 0; c < result.digests[u].size(); ++c) {
      const auto offset = unit.offset_bytes + plan::range_of_chunk(unit.dtype, unit.size_bytes, c).offset_bytes;
      EXPECT_EQ(result.digests[u][c], digest_of(plan_.files[unit.file].entry.inode, offset));
    }
  }
  bool planned_here = false;
  for (const auto& file : plan_.files) planned_here = planned_here || file.entry.inode == 4;
  EXPECT_EQ(!result.failed.empty(), planned_here);
  for (const auto& [file, reason] : result.failed) {
    EXPECT_EQ(plan_.files[file].entry.inode, 4u);
    EXPECT_EQ(reason, "gone");
  }
}

TEST_F(WaveExchange, outcomes_of_encoded_units_reach_their_planner_in_order_of_chunks) {
  std::vector<Task> tasks(plan_.units.size());
  for (std::size_t u = 0; u < tasks.size(); ++u)
    tasks[u] = {.encode = plan_.files[plan_.units[u].file].entry.inode % 2 == 0, .allowed = LossId{5}};
  send_tasks(comm_, plan_, planned_, tasks, assigned_);
  for (auto& chunk : assigned_.chunks) {
    EXPECT_EQ(chunk.task.encode, assigned_.sources[chunk.source].inode % 2 == 0);
    EXPECT_EQ(chunk.task.allowed, LossId{5});
    chunk.stats.raw_bytes = chunk.size_bytes;
    chunk.decoded = digest_of(0, chunk.number);
  }
  const auto outcomes = collect_outcomes(comm_, plan_, planned_, tasks, assigned_);
  ASSERT_EQ(outcomes.size(), plan_.units.size());
  for (std::size_t u = 0; u < outcomes.size(); ++u) {
    const auto& unit = plan_.units[u];
    ASSERT_EQ(outcomes[u].size(), tasks[u].encode ? plan::chunks_of(unit.dtype, unit.size_bytes) : 0u);
    for (std::uint32_t c = 0; c < outcomes[u].size(); ++c) {
      EXPECT_EQ(outcomes[u][c].decoded, digest_of(0, c));
      EXPECT_EQ(outcomes[u][c].raw_bytes, plan::range_of_chunk(unit.dtype, unit.size_bytes, c).size_bytes);
    }
  }
}

TEST_F(WaveExchange, files_that_failed_are_not_assigned) {
  std::vector<bool> failed(plan_.files.size());
  for (std::size_t f = 0; f < failed.size(); ++f) failed[f] = plan_.files[f].entry.inode == 7;
  assign(comm_, plan_, 0, failed, planned_, assigned_);
  for (const auto& source : assigned_.sources) EXPECT_NE(source.inode, 7u);
}

TEST(Messages, a_base_and_its_source_are_read_as_they_were_written) {
  const BaseLocation base{.source = {"a/b", 1000, -5, 6, 7, 8, 9, {}},
                          .offset_bytes = 11,
                          .size_bytes = 12,
                          .digests = {{1, 2}, {3, 4}},
                          .loss = LossId{13},
                          .place = {14, 15}};
  std::vector<std::byte> bytes;
  ByteWriter writer(bytes);
  write(base, writer);
  ByteCursor cursor(bytes);
  const auto found = read_base(cursor);
  EXPECT_TRUE(cursor.at_end() && !cursor.failed());
  EXPECT_EQ(found.source.path, base.source.path);
  EXPECT_EQ(found.source.mtime_seconds, -5);
  EXPECT_EQ(found.source.inode, 9u);
  EXPECT_EQ(found.digests, base.digests);
  EXPECT_EQ(found.loss, base.loss);
  EXPECT_EQ(found.place, base.place);
}

}  // namespace
}  // namespace elves::pipeline
