// On real weights the selector's choices are at most 1 % larger than the exhaustive choice. The sample is every n-th
// chunk of the layers of the real corpus, ordered by path; its size stays near kSampleBytes when the corpus grows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <span>

#include "measure/forced_encoder.hpp"
#include "measure/real_corpus.hpp"

namespace elves {
namespace {

constexpr std::size_t kLeastStep = 3;
constexpr std::size_t kSampleBytes = 80'000'000;
constexpr double kMost = 1.01;

struct Totals {
  std::size_t raw_bytes = 0;
  std::size_t selected_bytes = 0;
  std::size_t exhaustive_bytes = 0;
};

std::size_t sample_step(std::span<const measure::LayerChunk> chunks) {
  std::size_t bytes = 0;
  for (const auto& chunk : chunks) bytes += chunk.size_bytes;
  return std::max(kLeastStep, (bytes + kSampleBytes - 1) / kSampleBytes);
}

Totals encode_sample(const std::string& hub, const EncodeOptions& options) {
  Encoder encoder;
  measure::ExhaustiveEncoder exhaustive;
  std::vector<std::byte> out;
  Totals totals;
  const auto chunks = measure::list_chunks(hub);
  const auto step = sample_step(chunks);
  for (std::size_t i = 0; i < chunks.size(); i += step) {
    const auto raw = measure::read_chunk(hub, chunks[i]);
    auto chunk_options = options;
    chunk_options.lossless |= chunks[i].lossless;
    out.clear();
    totals.raw_bytes += raw.size();
    totals.selected_bytes += encoder.encode(raw, chunks[i].dtype, chunk_options, out).encoded_bytes;
    totals.exhaustive_bytes += exhaustive.encode(raw, chunks[i].dtype, chunk_options);
  }
  return totals;
}

void expect_within_1_percent(const EncodeOptions& options) {
  const auto hub = measure::find_real_hub();
  if (!hub) GTEST_SKIP() << "no real corpus: set ELVES_CORPUS to a folder with a hub in it";
  const auto totals = encode_sample(*hub, options);
  std::printf("raw %zu, selected %zu, exhaustive %zu bytes: %.4f\n", totals.raw_bytes, totals.selected_bytes,
              totals.exhaustive_bytes,
              static_cast<double>(totals.selected_bytes) / static_cast<double>(totals.exhaustive_bytes));
  ASSERT_GT(totals.raw_bytes, 0u);
  EXPECT_LE(static_cast<double>(totals.selected_bytes), kMost * static_cast<double>(totals.exhaustive_bytes));
}

TEST(Selector, is_within_1_percent_of_the_exhaustive_choice_if_lossless) {
  expect_within_1_percent({.lossless = true});
}

TEST(Selector, is_within_1_percent_of_the_exhaustive_choice_if_lossy) {
  expect_within_1_percent({});
}

}  // namespace
}  // namespace elves
