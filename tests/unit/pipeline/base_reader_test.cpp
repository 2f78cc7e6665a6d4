#include "pipeline/base_reader.hpp"

#include "tests/unit/pipeline/pipeline_data.hpp"

namespace elves::pipeline {
namespace {

/// A wave with one chunk whose base is in the file "base" of the corpus.
class BaseReaderTest : public CorpusTest {
 protected:
  void SetUp() override {
    CorpusTest::SetUp();
    source_ = write_file("base", bytes_);
    wave_.sources.push_back({.path = "tuned"});
    assign_unit(wave_, 0, DType::U8, 0, 1000, {.encode = true});
    wave_.chunks[0].base = 0;
    wave_.bases.push_back({.source = source_,
                           .offset_bytes = 24,
                           .size_bytes = 900,
                           .digests = {kHash(base_bytes())},
                           .loss = LossId{7},
                           .place = {5, 0}});
  }
  std::span<const std::byte> base_bytes() const { return std::span(bytes_).subspan(24, 900); }

  Base read() {
    (void)raw_.resize(wave_.raw_bytes);
    reader_.prepare(wave_, raw_);
    return reader_.base_of(wave_.chunks[0], 0);
  }

  std::vector<std::byte> bytes_ = counted_bytes(2000, 9);
  SourceFile source_;
  AssignedWave wave_;
  Buffer raw_;
  archive::ArchiveDir directory_;
  BaseReader reader_{directory_, root_, kHash, 1};
};

TEST_F(BaseReaderTest, reads_the_base_from_the_corpus) {
  const auto base = read();
  EXPECT_TRUE(std::ranges::equal(base.bytes, base_bytes()));
  EXPECT_FALSE(base.exact) << "the stored base has lost something: the corpus has its original";
}

TEST_F(BaseReaderTest, a_base_that_is_stored_exactly_is_exact) {
  wave_.bases[0].loss = kExact;
  EXPECT_TRUE(read().exact);
}

TEST_F(BaseReaderTest, takes_the_base_from_the_wave_if_this_rank_has_read_it) {
  wave_.sources.push_back(source_);
  assign_unit(wave_, 1, DType::U8, 24, 900);
  auto& own = wave_.chunks.back();
  own.digest = wave_.bases[0].digests[0];
  std::ranges::copy(base_bytes(), raw_.resize(wave_.raw_bytes).begin() + static_cast<std::ptrdiff_t>(own.buffer_at));
  reader_.prepare(wave_, raw_);
  const auto base = reader_.base_of(wave_.chunks[0], 0);
  EXPECT_EQ(base.bytes.data(), raw_.bytes().data() + own.buffer_at);
  EXPECT_TRUE(std::ranges::equal(base.bytes, base_bytes()));
}

TEST_F(BaseReaderTest, bytes_with_another_digest_are_no_base) {
  wave_.bases[0].digests[0].low ^= 1;
  EXPECT_TRUE(read().bytes.empty());
}

TEST_F(BaseReaderTest, a_changed_file_is_no_base_if_the_archive_cannot_be_read_either) {
  std::ofstream(root_ + "/base", std::ios::app) << "more";
  EXPECT_TRUE(read().bytes.empty());
}

TEST_F(BaseReaderTest, a_chunk_past_the_end_of_the_base_has_none) {
  wave_.chunks[0].number = 1;
  EXPECT_TRUE(read().bytes.empty());
}

TEST_F(BaseReaderTest, a_chunk_without_base_has_none) {
  wave_.chunks[0].base = kNoBase;
  EXPECT_TRUE(read().bytes.empty());
}

}  // namespace
}  // namespace elves::pipeline
