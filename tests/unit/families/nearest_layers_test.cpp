#include "families/nearest_layers.hpp"

#include <gtest/gtest.h>

#include "unit/families/family_data.hpp"

namespace elves::families {
namespace {

constexpr std::uint64_t kBytes = 256u << 10;

Signature signature_of(SignatureMaker& maker, std::uint64_t layer_bytes, std::uint64_t seed, double noise = 0) {
  const Normal base(seed, 0.02);
  const Normal change(seed + 1'000'000, 0.02 * noise);
  const auto value = [&](std::uint64_t at) { return base(at) + change(at); };
  return maker.make(DType::F32, layer_bytes, sketch_of(DType::F32, layer_bytes, value));
}

TEST(Signature, is_near_that_of_a_similar_layer_and_far_from_others) {
  SignatureMaker maker;
  const auto own = signature_of(maker, kBytes, 1);
  EXPECT_EQ(distance(own, own), 0u);
  EXPECT_LT(distance(own, signature_of(maker, kBytes, 1, 0.01)), 20u);
  EXPECT_LT(distance(own, signature_of(maker, kBytes, 1, 0.5)), 120u);
  EXPECT_GT(distance(own, signature_of(maker, kBytes, 2)), NearestLayers::kFarthest);
}

TEST(Signature, stays_the_same_in_a_common_frame_if_a_layer_grows) {
  SignatureMaker maker;
  for (const std::uint64_t bytes : {std::uint64_t{256} << 10, std::uint64_t{300'000}, std::uint64_t{500'000}}) {
    const auto own = signature_of(maker, bytes, 1);
    EXPECT_EQ(distance(own, signature_of(maker, bytes + 4096, 1)), 0u) << bytes;
    EXPECT_EQ(distance(own, signature_of(maker, bytes / 4 * 5 / 4 * 4, 1)), 0u) << bytes;
  }
}

TEST(Signature, has_no_frame_in_common_with_much_longer_layers) {
  SignatureMaker maker;
  EXPECT_EQ(distance(signature_of(maker, kBytes, 1), signature_of(maker, 4 * kBytes, 1)), 512u);
}

class NearestLayersOf : public testing::TestWithParam<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(sizes, NearestLayersOf, testing::Values(1, 64, 65, 1000, 5000));

TEST_P(NearestLayersOf, many_layers_include_the_similar_one) {
  const std::uint32_t n = GetParam();
  SignatureMaker maker;
  NearestLayers neighbours;
  for (std::uint32_t i = 0; i < n; ++i) EXPECT_EQ(neighbours.add(signature_of(maker, kBytes, i)), i);
  std::vector<std::uint32_t> found;
  std::uint32_t n_found = 0;
  const std::uint32_t step = n / 50 + 1;
  for (std::uint32_t i = 0; i < n; i += step) {
    neighbours.nearest(signature_of(maker, kBytes, i, 0.25), 4, found);
    if (!found.empty() && found.front() == i) ++n_found;
  }
  EXPECT_GE(n_found, (n + step - 1) / step);
}

TEST(NearestLayers, of_equally_near_ones_the_first_are_found) {
  SignatureMaker maker;
  NearestLayers neighbours;
  for (int i = 0; i < 1000; ++i) neighbours.add(signature_of(maker, kBytes, 1));
  std::vector<std::uint32_t> found;
  neighbours.nearest(signature_of(maker, kBytes, 1), 4, found);
  EXPECT_EQ(found, (std::vector<std::uint32_t>{0, 1, 2, 3}));
}

TEST(NearestLayers, an_empty_index_finds_none) {
  SignatureMaker maker;
  std::vector<std::uint32_t> found{1};
  NearestLayers().nearest(signature_of(maker, kBytes, 1), 4, found);
  EXPECT_TRUE(found.empty());
}

}  // namespace
}  // namespace elves::families
