#include "pipeline/shard_rows.hpp"

#include "tests/unit/pipeline/pipeline_data.hpp"

namespace elves::pipeline {
namespace {

/// A plan of one file with three layers of 400 bytes, and results of deduplication for them.
class LayerRows : public ::testing::Test {
 protected:
  LayerRows() {
    plan_.files.emplace_back();
    plan_.files[0].entry.path = "acme/model/weights";
    for (std::size_t e = 0; e < 3; ++e) {
      formats::Extent layer{.offset_bytes = 400 * e, .length_bytes = 400, .is_layer = true, .dtype = DType::F32};
      layer.shape = {10, 10};
      plan_.files[0].parsed.extents.push_back(layer);
      plan::Unit unit;
      unit.extent = e;
      unit.dtype = DType::F32;
      unit.size_bytes = 400;
      plan_.units.push_back(unit);
      wave_.units.push_back(e);
      wave_.keys.push_back({{e, e}, 400, DType::F32});
      wave_.allowed.push_back(kLoss);
      wave_.results.push_back({dedup::Dedup::First, kLoss, {}});
      wave_.places.push_back({4, e});
      wave_.bases.emplace_back();
      outcomes_.push_back({{.raw_bytes = 400, .encoded_bytes = 300, .standalone_bytes = 300}});
    }
  }
  void add() { add_layer_rows(plan_, wave_, outcomes_, 0, kLoss, kHash, part_, stored_, report_); }

  static constexpr LossId kLoss{77};
  plan::Plan plan_;
  WaveDedup wave_;
  std::vector<std::vector<ChunkOutcome>> outcomes_;
  archive::ShardPart part_;
  std::vector<dedup::StoredLayer> stored_;
  Report report_;
};

TEST_F(LayerRows, name_the_loss_of_layers_with_a_chunk_that_is_not_exact) {
  outcomes_[1][0].exact = 0;
  outcomes_[1][0].max_abs_error = 0.5;
  add();
  ASSERT_EQ(part_.layers.size(), 3u);
  EXPECT_EQ(part_.layers[0].loss_id, 0u);
  EXPECT_EQ(part_.layers[1].loss_id, kLoss.value);
  EXPECT_EQ(stored_[0].loss, kExact);
  EXPECT_EQ(stored_[1].loss, kLoss);
  EXPECT_EQ(report_.max_abs_error, 0.5);
}

TEST_F(LayerRows, are_for_first_layers_only) {
  wave_.results[0] = {dedup::Dedup::Stored, kLoss, {{2, 9}, {}, kExact}};
  wave_.results[2].kind = dedup::Dedup::DuplicateInWave;
  add();
  ASSERT_EQ(part_.layers.size(), 1u);
  EXPECT_EQ(archive::to_hash(part_.layers[0].fingerprint), wave_.keys[1].fingerprint);
  EXPECT_EQ(stored_[0].place, (LayerRef{2, 9}));
  EXPECT_EQ(stored_[1].place, (LayerRef{4, 1}));
  EXPECT_EQ(report_.layers_total, 3u);
  EXPECT_EQ(report_.layers_unique, 1u);
  EXPECT_EQ(report_.duplicate_bytes, 800u);
}

TEST_F(LayerRows, name_a_base_if_a_chunk_is_a_delta_and_keep_the_sketch_of_others) {
  for (auto& search : wave_.bases) {
    search.base.emplace();
    search.base->base.place = {3, 12};
    search.base->base.model = hash128("acme/base");
    search.sketch = std::vector<std::byte>(64, std::byte{1});
  }
  outcomes_[1][0].transform = static_cast<std::uint32_t>(TransformId::Delta);
  outcomes_[1][0].standalone_bytes = 350;
  add();
  EXPECT_EQ(part_.layers[0].base_shard, archive::kNoShard);
  EXPECT_EQ(part_.layers[1].base_shard, 3u);
  EXPECT_EQ(part_.layers[1].base_row, 12u);
  ASSERT_EQ(part_.sketches.size(), 2u) << "a delta is no base of others";
  EXPECT_EQ(part_.sketches[0].layer, 0u);
  EXPECT_EQ(part_.sketches[1].layer, 2u);
  const auto& sums = report_.models.at("acme/model").bases.at(hash128("acme/base"));
  EXPECT_EQ(sums.layers, 1u);
  EXPECT_EQ(sums.stored_bytes, 300u);
  EXPECT_EQ(sums.standalone_bytes, 350u);
}

TEST(ChunkRows, are_for_encoded_chunks_and_their_bytes_lie_one_behind_the_other) {
  const auto bytes = counted_bytes(100, 0);
  AssignedWave wave;
  for (const std::size_t n : {10, 0, 25}) {
    AssignedChunk chunk;
    chunk.task.encode = n > 0;
    chunk.encoded = std::span(bytes).first(n);
    chunk.size_bytes = 64;
    wave.chunks.push_back(chunk);
  }
  archive::ShardPart part;
  add_chunk_rows(wave, part);
  ASSERT_EQ(part.chunks.size(), 2u);
  EXPECT_EQ(part.chunks[0].payload_offset, 0u);
  EXPECT_EQ(part.chunks[1].payload_offset, 10u);
  EXPECT_EQ(part.chunks[1].encoded_bytes, 25u);
  EXPECT_EQ(part.payload[1].size(), 25u);
}

}  // namespace
}  // namespace elves::pipeline
