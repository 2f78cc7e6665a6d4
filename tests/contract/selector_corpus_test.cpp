// The selector against the choice that knows everything, on real weights: every third chunk of the layers of the real
// corpus, in the order of their paths.
#include <gtest/gtest.h>

#include <cstdio>

#include "measure/forced_encoder.hpp"
#include "measure/real_corpus.hpp"

namespace elves {
namespace {

constexpr std::size_t kEvery = 3;
constexpr double kMost = 1.01;

struct Totals {
  std::size_t raw_bytes = 0;
  std::size_t selected_bytes = 0;
  std::size_t exhaustive_bytes = 0;
};

Totals encode_sample(const std::string& hub, const EncodeOptions& options) {
  Encoder encoder;
  measure::ExhaustiveEncoder exhaustive;
  std::vector<std::byte> out;
  Totals totals;
  const auto chunks = measure::list_chunks(hub);
  for (std::size_t i = 0; i < chunks.size(); i += kEvery) {
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

TEST(Selector, stores_real_layers_within_1_percent_of_the_exhaustive_choice_when_lossless) {
  expect_within_1_percent({.lossless = true});
}

TEST(Selector, stores_real_layers_within_1_percent_of_the_exhaustive_choice_when_lossy) {
  expect_within_1_percent({});
}

}  // namespace
}  // namespace elves
