#include "pipeline/read_stage.hpp"

#include "tests/unit/pipeline/pipeline_data.hpp"

namespace elves::pipeline {
namespace {

class ReadStage : public CorpusTest {
 protected:
  /// Two files: one of three units, the last of which has two chunks; one of a unit.
  AssignedWave two_files() {
    AssignedWave wave;
    wave.sources = {write_file("a", a_), write_file("b", b_)};
    assign_unit(wave, 0, DType::Bytes, 0, 100);
    assign_unit(wave, 0, DType::F32, 100, 4000);
    assign_unit(wave, 0, DType::U8, 4100, a_.size() - 4100);
    assign_unit(wave, 1, DType::Bytes, 10, 50);
    return wave;
  }
  std::span<const std::byte> expected(const AssignedChunk& chunk) const {
    return std::span(chunk.source == 0 ? a_ : b_).subspan(chunk.file_offset, chunk.size_bytes);
  }
  void expect_read(const AssignedChunk& chunk, const Buffer& raw) const {
    const auto found = raw.bytes().subspan(chunk.buffer_at, chunk.size_bytes);
    EXPECT_TRUE(std::ranges::equal(found, expected(chunk)));
    EXPECT_EQ(chunk.digest, kHash(expected(chunk)));
  }

  std::vector<std::byte> a_ = counted_bytes(kChunkBytes + 5000, 1);
  std::vector<std::byte> b_ = counted_bytes(60, 2);
};

TEST_F(ReadStage, reads_and_hashes_every_chunk_with_any_number_of_threads) {
  for (const int threads : {1, 3}) {
    auto wave = two_files();
    Buffer raw;
    ReadStats stats;
    std::atomic<std::uint64_t> bytes_done = 0;
    stats.bytes_done = &bytes_done;
    read_chunks(root_, kHash, threads, wave, raw, stats);
    for (const auto& source : wave.sources) EXPECT_EQ(source.error, "");
    for (const auto& chunk : wave.chunks) expect_read(chunk, raw);
    EXPECT_EQ(bytes_done, wave.raw_bytes);
  }
}

TEST_F(ReadStage, a_file_that_is_missing_gets_an_error_and_others_are_read) {
  auto wave = two_files();
  std::filesystem::remove(root_ + "/a");
  Buffer raw;
  ReadStats stats;
  read_chunks(root_, kHash, 2, wave, raw, stats);
  EXPECT_NE(wave.sources[0].error, "");
  EXPECT_EQ(wave.sources[1].error, "");
  expect_read(wave.chunks.back(), raw);
}

TEST_F(ReadStage, a_file_that_changed_since_the_walk_gets_an_error) {
  auto wave = two_files();
  std::ofstream(root_ + "/b", std::ios::app) << "more";
  Buffer raw;
  ReadStats stats;
  read_chunks(root_, kHash, 1, wave, raw, stats);
  EXPECT_EQ(wave.sources[0].error, "");
  EXPECT_NE(wave.sources[1].error.find("changed"), std::string::npos);
}

TEST_F(ReadStage, reads_nothing_after_it_is_cancelled) {
  auto wave = two_files();
  Buffer raw;
  ReadStats stats;
  stats.cancel = true;
  read_chunks(root_, kHash, 2, wave, raw, stats);
  for (const auto& chunk : wave.chunks) EXPECT_EQ(chunk.digest, Hash128{});
}

TEST_F(ReadStage, changed_compares_size_times_and_inode) {
  const auto source = write_file("a", b_);
  const FileDescriptor file(open_regular_file(root_ + "/a"));
  EXPECT_EQ(changed(file.get(), source), "");
  for (auto change : {+[](SourceFile& s) { ++s.size_bytes; }, +[](SourceFile& s) { ++s.mtime_seconds; },
                      +[](SourceFile& s) { ++s.ctime_nanoseconds; }, +[](SourceFile& s) { ++s.inode; }}) {
    auto other = source;
    change(other);
    EXPECT_NE(changed(file.get(), other), "");
  }
}

}  // namespace
}  // namespace elves::pipeline
