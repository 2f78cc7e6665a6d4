#include "pipeline/options.hpp"

#include <gtest/gtest.h>

#include "elves/codec.hpp"

namespace elves::pipeline {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

SweepOptions with_memory(std::uint64_t bytes) {
  SweepOptions options;
  options.memory_bytes = bytes;
  return options;
}

TEST(Waves, a_corpus_makes_about_64_of_them) {
  EXPECT_EQ(choose_wave_bytes({}, 2, 1, 16 * kMiB, 16 * kGiB), 256 * kMiB);
}

TEST(Waves, of_a_small_corpus_are_32_MiB_a_rank) {
  EXPECT_EQ(choose_wave_bytes({}, 2, 1, 16 * kMiB, 100 * kMiB), 64 * kMiB);
}

TEST(Waves, of_a_large_corpus_are_256_MiB_a_rank) {
  EXPECT_EQ(choose_wave_bytes({}, 2, 1, 16 * kMiB, 1000 * kGiB), 512 * kMiB);
}

TEST(Waves, are_larger_where_many_ranks_exchange_messages) {
  EXPECT_EQ(choose_wave_bytes({}, 64, 1, kGiB, kGiB), 64 * 128 * kMiB);
}

TEST(Waves, hold_the_parts_of_an_archive_that_was_begun_with_larger_ones) {
  EXPECT_EQ(choose_wave_bytes({}, 1, 1, 128 * kMiB, 100 * kMiB), 128 * kMiB);
}

TEST(Waves, that_do_not_fit_in_memory_are_refused) {
  auto options = with_memory(256 * kMiB);
  options.wave_bytes = kGiB;
  EXPECT_THROW((void)choose_part_bytes(options, 2, 1), UsageError);
  EXPECT_THROW((void)choose_wave_bytes(with_memory(256 * kMiB), 1, 1, 256 * kMiB, kGiB), UsageError);
}

TEST(Waves, smaller_than_the_parts_of_the_archive_are_refused) {
  SweepOptions options;
  options.wave_bytes = 8 * kMiB;
  EXPECT_THROW((void)choose_wave_bytes(options, 2, 1, 16 * kMiB, kGiB), UsageError);
}

TEST(Waves, of_a_new_archive_always_hold_its_parts_and_fit_in_memory) {
  for (const std::uint64_t memory : {80 * kMiB, 256 * kMiB, 2 * kGiB, 64 * kGiB}) {
    for (const int ranks : {1, 2, 3, 16, 100, 5000}) {
      for (const std::uint64_t bytes : {std::uint64_t{0}, kGiB, 100'000 * kGiB}) {
        const auto options = with_memory(memory);
        const auto part = choose_part_bytes(options, ranks, 2);
        const auto wave = choose_wave_bytes(options, ranks, 2, part, bytes);
        EXPECT_EQ(part % kChunkBytes, 0u);
        EXPECT_GE(wave, part);
        EXPECT_LE((wave + part) / static_cast<std::uint64_t>(ranks), memory / 4 + kChunkBytes);
      }
    }
  }
}

TEST(Describe, names_the_stages_in_use) {
  SweepOptions options;
  EXPECT_NE(describe(options, kMiB).find(" stages=hd,elf,de,palette,planes,delta,zstd "), std::string::npos);
  options.encode.use_delta = false;
  EXPECT_NE(describe(options, kMiB).find(" stages=hd,elf,de,palette,planes,zstd "), std::string::npos);
}

}  // namespace
}  // namespace elves::pipeline
