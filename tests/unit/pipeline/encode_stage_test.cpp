#include "pipeline/encode_stage.hpp"

#include <cmath>

#include "tests/unit/pipeline/pipeline_data.hpp"

namespace elves::pipeline {
namespace {

constexpr Task kEncode{.encode = true, .allowed = LossId{7}};
constexpr Task kEncodeExactly{.encode = true, .allowed = kExact};

/// A wave of one file whose bytes are in memory.
class EncodeStageTest : public CorpusTest {
 protected:
  EncodeStageTest() {
    std::vector<float> values(300'000);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = 0.02f * static_cast<float>(std::sin(static_cast<double>(i * i % 7919)));
    std::ranges::copy(std::as_bytes(std::span(values)), raw_.resize(values.size() * sizeof(float)).begin());
    wave_.sources.push_back({.path = "file"});
  }
  std::uint64_t size() const { return raw_.bytes().size(); }
  void assign(const Task& task, std::uint64_t bytes) {
    assign_unit(wave_, 0, DType::F32, wave_.raw_bytes, bytes, task);
  }

  void encode(int threads, const EncodeOptions& options) {
    for (auto& chunk : wave_.chunks) chunk.digest = kHash(bytes_of(chunk));
    const archive::ArchiveDir directory;
    BaseReader bases(directory, root_, kHash, threads);
    bases.prepare(wave_, raw_);
    EncodeStage stage(threads, options, kHash, true);
    std::atomic<std::uint64_t> bytes_done = 0;
    const auto done = stage.run(wave_, raw_, bases, arenas_, bytes_done);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(bytes_done, wave_.raw_bytes);
    sums_ = stage.sums();
  }
  std::span<const std::byte> bytes_of(const AssignedChunk& chunk) const {
    return raw_.bytes().subspan(chunk.buffer_at, chunk.size_bytes);
  }
  static std::vector<std::byte> decoded(const AssignedChunk& chunk) {
    std::vector<std::byte> bytes(chunk.size_bytes);
    EXPECT_TRUE(Decoder().decode(chunk.encoded, chunk.dtype, bytes));
    return bytes;
  }

  AssignedWave wave_;
  Buffer raw_;
  std::vector<Arena> arenas_;
  EncodingSums sums_;
};

TEST_F(EncodeStageTest, encodes_the_chunks_with_a_task_and_no_others) {
  assign(kEncode, 400'000);
  assign({}, 400'000);
  encode(2, {.lossless = true});
  const auto& first = wave_.chunks[0];
  EXPECT_TRUE(std::ranges::equal(decoded(first), bytes_of(first)));
  EXPECT_EQ(first.decoded, first.digest);
  EXPECT_EQ(first.checksum, checksum64(first.encoded));
  EXPECT_TRUE(wave_.chunks[1].encoded.empty());
  EXPECT_EQ(sums_.raw_bytes, first.size_bytes);
}

TEST_F(EncodeStageTest, the_task_decides_whether_a_chunk_may_lose_anything) {
  assign(kEncode, 400'000);
  assign(kEncodeExactly, 400'000);
  encode(1, {});
  const auto& lossy = wave_.chunks[0];
  EXPECT_FALSE(lossy.stats.exact);
  EXPECT_GT(lossy.stats.max_abs_error, 0);
  EXPECT_EQ(lossy.decoded, kHash(decoded(lossy)));
  EXPECT_NE(lossy.decoded, lossy.digest);
  const auto& exact = wave_.chunks[1];
  EXPECT_TRUE(exact.stats.exact);
  EXPECT_TRUE(std::ranges::equal(decoded(exact), bytes_of(exact)));
}

TEST_F(EncodeStageTest, encoded_bytes_do_not_depend_on_the_number_of_threads) {
  for (int i = 0; i < 6; ++i) assign(kEncode, size() / 6);
  encode(1, {});
  std::vector<std::vector<std::byte>> expected;
  for (const auto& chunk : wave_.chunks) expected.emplace_back(chunk.encoded.begin(), chunk.encoded.end());
  encode(3, {});
  for (std::size_t c = 0; c < expected.size(); ++c)
    EXPECT_TRUE(std::ranges::equal(wave_.chunks[c].encoded, expected[c])) << "chunk " << c;
}

}  // namespace
}  // namespace elves::pipeline
