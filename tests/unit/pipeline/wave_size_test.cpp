#include "pipeline/wave_size.hpp"

#include <gtest/gtest.h>

#include <bit>

#include "elves/codec.hpp"
#include "elves/error.hpp"

namespace elves::pipeline {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
constexpr std::uint64_t kTiB = std::uint64_t{1} << 40;

SweepOptions with_memory(std::uint64_t bytes) {
  SweepOptions options;
  options.memory_bytes = bytes;
  return options;
}

SweepOptions with_wave_bytes(std::uint64_t bytes) {
  SweepOptions options;
  options.wave_bytes = bytes;
  return options;
}

TEST(WaveSize, is_a_256th_of_the_corpus_as_a_power_of_two) {
  const auto options = with_memory(64 * kGiB);
  EXPECT_EQ(choose_wave_size(options, 1, 1, 16 * kMiB, 256 * kGiB).bytes, kGiB);
  EXPECT_EQ(choose_wave_size(options, 1, 1, 16 * kMiB, 511 * kGiB).bytes, kGiB);
  EXPECT_EQ(choose_wave_size(options, 1, 1, 16 * kMiB, 512 * kGiB).bytes, 2 * kGiB);
}

TEST(WaveSize, is_64_MiB_for_small_corpora_and_16_TiB_for_the_largest) {
  EXPECT_EQ(choose_wave_size({}, 1, 1, 16 * kMiB, 0).bytes, 64 * kMiB);
  EXPECT_EQ(choose_wave_size({}, 1, 1, 16 * kMiB, 15 * kGiB).bytes, 64 * kMiB);
  EXPECT_EQ(choose_wave_size(with_memory(64 * kGiB), 16384, 1, 16 * kMiB, 100'000 * kTiB).bytes, 16 * kTiB);
}

TEST(WaveSize, is_the_same_for_every_number_of_ranks_that_can_hold_it) {
  for (const std::uint64_t corpus : {std::uint64_t{0}, kGiB, 100 * kGiB}) {
    const auto one = choose_wave_size({}, 1, 1, 16 * kMiB, corpus);
    EXPECT_FALSE(one.is_reduced);
    for (const int ranks : {2, 3, 8, 1000}) {
      const auto many = choose_wave_size({}, ranks, 4, 16 * kMiB, corpus);
      EXPECT_EQ(many.bytes, one.bytes);
      EXPECT_FALSE(many.is_reduced);
    }
  }
}

TEST(WaveSize, is_the_largest_power_of_two_that_fits_if_the_default_does_not) {
  const auto one_rank = choose_wave_size({}, 1, 1, 16 * kMiB, kTiB);  // it may hold 512 MiB of a wave and its last part
  EXPECT_EQ(one_rank.bytes, 256 * kMiB);
  EXPECT_TRUE(one_rank.is_reduced);
  const auto four_ranks = choose_wave_size({}, 4, 1, 16 * kMiB, kTiB);
  EXPECT_EQ(four_ranks.bytes, 2 * kGiB);
  EXPECT_TRUE(four_ranks.is_reduced);
  const auto sixteen_ranks = choose_wave_size({}, 16, 1, 16 * kMiB, kTiB);
  EXPECT_EQ(sixteen_ranks.bytes, 4 * kGiB);
  EXPECT_FALSE(sixteen_ranks.is_reduced);
}

TEST(WaveSize, is_wave_bytes_if_given_also_if_that_is_no_power_of_two) {
  const auto wave = choose_wave_size(with_wave_bytes(100'000'000), 2, 1, 16 * kMiB, kTiB);
  EXPECT_EQ(wave.bytes, 100'000'000u);
  EXPECT_FALSE(wave.is_reduced);
}

TEST(WaveSize, holds_the_parts_of_an_archive_that_was_created_with_larger_ones) {
  EXPECT_EQ(choose_wave_size({}, 1, 1, 128 * kMiB, 100 * kMiB).bytes, 128 * kMiB);
}

TEST(WaveSize, that_does_not_fit_in_memory_is_refused) {
  auto options = with_memory(256 * kMiB);
  options.wave_bytes = kGiB;
  EXPECT_THROW((void)choose_wave_size(options, 2, 1, 16 * kMiB, 0), UsageError);
  EXPECT_THROW((void)choose_wave_size(with_memory(256 * kMiB), 1, 1, 256 * kMiB, kGiB), UsageError);
}

TEST(WaveSize, smaller_than_the_parts_of_the_archive_is_refused) {
  EXPECT_THROW((void)choose_wave_size(with_wave_bytes(8 * kMiB), 2, 1, 16 * kMiB, kGiB), UsageError);
}

TEST(WaveSize, of_a_new_archive_holds_its_parts_and_fits_in_memory) {
  for (const std::uint64_t memory : {112 * kMiB, 256 * kMiB, 2 * kGiB, 64 * kGiB}) {
    for (const int ranks : {1, 2, 3, 16, 100, 5000}) {
      for (const std::uint64_t corpus : {std::uint64_t{0}, kGiB, 100'000 * kGiB}) {
        const auto options = with_memory(memory);
        const auto part = choose_part_bytes(options, 2);
        const auto wave = choose_wave_size(options, ranks, 2, part, corpus);
        EXPECT_TRUE(std::has_single_bit(wave.bytes));
        EXPECT_GE(wave.bytes, part);
        EXPECT_LE((wave.bytes + part) / static_cast<std::uint64_t>(ranks), memory / 4 + kChunkBytes);
      }
    }
  }
}

TEST(PartBytes, are_a_constant_whatever_the_memory_and_threads) {
  const auto expected = choose_part_bytes({}, 1);
  EXPECT_EQ(expected % kChunkBytes, 0u);
  EXPECT_EQ(choose_part_bytes(with_memory(112 * kMiB), 1), expected);
  EXPECT_EQ(choose_part_bytes(with_memory(64 * kGiB), 64), expected);
}

TEST(PartBytes, are_a_quarter_of_small_waves) {
  EXPECT_EQ(choose_part_bytes(with_wave_bytes(20 * kMiB), 1), 4 * kMiB);
  EXPECT_EQ(choose_part_bytes(with_wave_bytes(4 * kMiB), 1), 4 * kMiB);
  EXPECT_EQ(choose_part_bytes(with_wave_bytes(kGiB), 1), choose_part_bytes({}, 1));
}

TEST(PartBytes, of_waves_and_memory_that_are_too_small_are_refused) {
  EXPECT_THROW((void)choose_part_bytes(with_memory(111 * kMiB), 1), UsageError);
  EXPECT_THROW((void)choose_part_bytes(with_memory(256 * kMiB), 12), UsageError);
  EXPECT_THROW((void)choose_part_bytes(with_wave_bytes(kMiB), 1), UsageError);
}

}  // namespace
}  // namespace elves::pipeline
