#include "restore/decode/chunk_scheduler.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace elves::restore {
namespace {

const KeyedHash kHash(std::vector<std::byte>(KeyedHash::kSecretBytes, std::byte{3}));

/// A chunk in a shard that cannot be read.
ChunkTask chunk(std::uint64_t row, std::uint32_t size_bytes) {
  ChunkTask task;
  task.layer = std::make_shared<DecodingLayer>();
  task.source.chunk.ref = {0, row, DType::F32};
  task.source.chunk.shard = std::make_shared<archive::ShardReader>();
  task.source.chunk.row.raw_bytes = size_bytes;
  task.source.chunk.row.encoded_bytes = 4;
  return task;
}

ChunkTask delta(std::uint64_t row, std::uint64_t base_row) {
  auto task = chunk(row, 100);
  task.source.base = chunk(base_row, 100).source.chunk;
  return task;
}

ChunkTask shared_base(std::uint64_t row) {
  auto task = chunk(row, 100);
  task.is_shared = true;
  return task;
}

/// Rows of chunks: those of a run side by side, "," between the runs of a strand, "|" between strands.
std::string plan_of(ChunkBatch& batch) {
  std::string plan;
  for (const auto& strand : batch.strands()) {
    plan += plan.empty() ? "" : "|";
    for (auto r = strand.first; r < strand.last; ++r) {
      plan += r == strand.first ? "" : ",";
      for (const auto& task : batch.run(r)) plan += std::to_string(task.source.chunk.ref.row);
    }
  }
  return plan;
}

TEST(ChunkBatch, adjacent_chunks_are_one_run_up_to_the_size_of_a_chunk) {
  ChunkBatch batch;
  batch.add(chunk(1, kChunkBytes - 200), true);  // the first of a batch has none before it
  batch.add(chunk(2, 200), true);
  batch.add(chunk(3, 1), true);
  batch.add(chunk(4, 1), true);
  batch.add(chunk(5, 1));
  EXPECT_EQ(plan_of(batch), "12|34|5");
  EXPECT_EQ(batch.size_bytes(), kChunkBytes + 3);
}

TEST(ChunkBatch, deltas_that_follow_their_base_are_one_strand) {
  ChunkBatch batch;
  batch.add(shared_base(1));
  batch.add(delta(2, 1));
  batch.add(delta(3, 1));
  batch.add(delta(4, 9));
  batch.add(chunk(5, 100));
  batch.add(chunk(6, 100));
  EXPECT_EQ(plan_of(batch), "1,2,3|4|5|6");
}

TEST(ChunkBatch, a_shared_chunk_is_a_run_of_its_own) {
  ChunkBatch batch;
  batch.add(chunk(1, 100));
  batch.add(shared_base(2), true);
  batch.add(delta(3, 2), true);
  EXPECT_EQ(plan_of(batch), "1|2,3");
}

TEST(ChunkBatch, a_strand_ends_after_eight_runs_so_that_several_threads_have_work) {
  ChunkBatch batch;
  for (std::uint64_t row = 0; row < 9; ++row) batch.add(delta(row, 9));
  EXPECT_EQ(plan_of(batch), "0,1,2,3,4,5,6,7|8");
}

TEST(DecodingLayer, is_complete_when_all_its_chunks_are_taken_in_any_order) {
  const std::vector<Hash128> digests{hash128("first"), hash128("second")};
  DecodingLayer layer;
  layer.row.n_chunks = 2;
  archive::store(layer.row.decoded, kHash.combine(digests));
  EXPECT_EQ(layer.plan_chunk(), 0u);
  layer.take(0, digests[0]);
  EXPECT_FALSE(layer.is_complete());
  EXPECT_EQ(layer.plan_chunk(), 1u);
  EXPECT_FALSE(layer.is_complete());
  layer.take(1, digests[1]);
  EXPECT_TRUE(layer.is_complete());
  EXPECT_TRUE(layer.has_recorded_digest(kHash));
  std::swap(layer.digests[0], layer.digests[1]);
  EXPECT_FALSE(layer.has_recorded_digest(kHash));
}

TEST(ChunkScheduler, a_chunk_that_cannot_be_read_gets_the_error_and_is_not_passed_on) {
  for (const int threads : {0, 1, 3}) {
    int n_passed = 0;
    ChunkScheduler scheduler(kHash, threads, [&](auto, auto) -> Result<void> {
      ++n_passed;
      return {};
    });
    ChunkBatch batch;
    for (std::uint64_t row = 1; row <= 20; ++row) batch.add(chunk(row, 100));
    batch.add(shared_base(21));
    batch.add(delta(22, 21));
    if (threads > 0) scheduler.start(std::move(batch));
    const auto done = threads > 0 ? scheduler.finish() : scheduler.decode(std::move(batch));
    ASSERT_EQ(done.tasks().size(), 22u);
    for (const auto& task : done.tasks()) {
      ASSERT_TRUE(task.error);
      EXPECT_NE(task.error->message.find("beyond the end of the payload"), std::string::npos) << task.error->message;
    }
    EXPECT_TRUE(done.tasks().back().error->message.starts_with("delta of layer 0 of shard-00000000.h5: "))
        << done.tasks().back().error->message;
    EXPECT_EQ(n_passed, 0);
    EXPECT_EQ(scheduler.n_shared_decoded(), 1u);
  }
}

TEST(ChunkScheduler, finish_without_start_returns_an_empty_batch) {
  ChunkScheduler scheduler(kHash, 2);
  EXPECT_TRUE(scheduler.finish().empty());
  scheduler.start({});
  EXPECT_TRUE(scheduler.finish().empty());
}

}  // namespace
}  // namespace elves::restore
