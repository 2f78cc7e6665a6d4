#include "families/samples_cache.hpp"

#include <gtest/gtest.h>

#include "unit/families/family_data.hpp"

namespace elves::families {
namespace {

constexpr std::uint64_t kBytes = 128u << 10;

struct Layer {
  std::vector<std::byte> sketch;
  FamilyMember member;

  explicit Layer(std::uint64_t seed) : sketch(sketch_of(DType::F32, kBytes, Normal(seed, 0.02))) {
    member.layer.dtype = DType::F32;
    member.layer.size_bytes = kBytes;
    member.sketch = sketch;
  }
};

void expect_samples(const Samples& samples, const Layer& layer, Words words, bool with_contexts) {
  Samples expected;
  load_samples(DType::F32, kBytes, layer.sketch, words, expected);
  if (with_contexts) find_contexts(expected);
  ASSERT_EQ(samples.n, expected.n);
  EXPECT_EQ(samples.words, words);
  EXPECT_TRUE(std::equal(samples.values.begin(), samples.values.begin() + samples.n, expected.values.begin()));
  EXPECT_EQ(samples.n_contexts, expected.n_contexts);
  if (with_contexts) {
    EXPECT_TRUE(std::equal(samples.context.begin(), samples.context.begin() + samples.n, expected.context.begin()));
  }
}

TEST(SamplesCache, layers_that_share_a_slot_replace_each_other) {
  SamplesCache cache(1, true);
  const Layer a(1), b(2);
  for (const auto* layer : {&a, &b, &a, &a, &b})
    expect_samples(cache.get(layer->member, Words::Patterns), *layer, Words::Patterns, true);
}

TEST(SamplesCache, the_words_may_change_from_call_to_call) {
  SamplesCache cache(8, false);
  const Layer layer(3);
  for (const auto words : {Words::Patterns, Words::Elf, Words::Elf, Words::Patterns})
    expect_samples(cache.get(layer.member, words), layer, words, false);
}

TEST(SamplesCache, the_samples_of_a_slot_are_loaded_once) {
  SamplesCache cache(4, false);
  Layer layer(4);
  const auto first = cache.get(layer.member, Words::Patterns).values[0];
  for (auto& byte : layer.sketch) byte = ~byte;  // not allowed, and so not noticed
  EXPECT_EQ(cache.get(layer.member, Words::Patterns).values[0], first);
}

}  // namespace
}  // namespace elves::families
