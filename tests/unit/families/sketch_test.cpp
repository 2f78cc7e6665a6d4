#include "families/sketch.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace elves::families {
namespace {

std::vector<std::byte> counting_bytes(std::size_t n) {
  std::vector<std::byte> bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>((i * 2654435761u) >> 16);
  return bytes;
}

std::vector<std::byte> sketch_of(DType dtype, const std::vector<std::byte>& bytes) {
  std::vector<std::byte> sketch(sketch_bytes(dtype, bytes.size()));
  sample(dtype, bytes.size(), 0, bytes, sketch);
  return sketch;
}

TEST(Sketch, exists_for_floats_of_64_kib_and_more) {
  EXPECT_EQ(sketch_bytes(DType::F32, kLeastSketchedBytes - 4), 0u);
  EXPECT_EQ(sketch_bytes(DType::F32, kLeastSketchedBytes), 4 * kFewestSamples);
  EXPECT_EQ(sketch_bytes(DType::I32, 1u << 30), 0u);
  EXPECT_EQ(sketch_bytes(DType::F8E8M0, 1u << 30), 0u);
  EXPECT_EQ(sketch_bytes(DType::Q4_0, 1u << 30), 0u);
}

TEST(Sketch, does_not_exist_for_layers_above_the_limit) {
  EXPECT_EQ(sketch_bytes(DType::F8E4M3, kMostSketchedBytes), kMostSamples);
  EXPECT_LT(sample_position(0, 2 * kMostSketchedBytes), 2 * kMostSketchedBytes);  // as signatures ask for
  EXPECT_EQ(sketch_bytes(DType::F8E4M3, kMostSketchedBytes + 1), 0u);
  EXPECT_EQ(sketch_bytes(DType::F64, ~std::uint64_t{0}), 0u);
}

TEST(Sketch, takes_2_kib_at_most) {
  EXPECT_EQ(sketch_bytes(DType::F32, 1u << 30), 2048u);
  EXPECT_EQ(sketch_bytes(DType::F64, 1u << 30), 2048u);
  EXPECT_EQ(sketch_bytes(DType::C128, 1u << 30), 2048u);
  EXPECT_EQ(sketch_bytes(DType::BF16, 1u << 30), 1024u);
  EXPECT_EQ(sketch_bytes(DType::F8E4M3, 1u << 30), 512u);
}

TEST(Sketch, holds_the_highest_bytes_of_the_numbers_at_its_positions) {
  const auto bytes = counting_bytes(200'000);
  for (const DType dtype : {DType::F64, DType::C64, DType::F32, DType::F16, DType::BF16, DType::F8E5M2}) {
    const auto format = sample_format(dtype);
    const auto sketch = sketch_of(dtype, bytes);
    ASSERT_EQ(sketch.size(), sample_count(bytes.size()) * format.bytes);
    for (std::size_t i = 0; i < sketch.size() / format.bytes; ++i) {
      const auto position = sample_position(i, bytes.size() / format.number_bytes);
      const auto* number = bytes.data() + position * format.number_bytes;
      EXPECT_EQ(std::memcmp(&sketch[i * format.bytes], number + format.missing_bits() / 8, format.bytes), 0);
    }
  }
}

TEST(Sketch, is_the_same_when_filled_from_parts_of_the_layer) {
  const auto bytes = counting_bytes(1u << 20);
  const auto whole = sketch_of(DType::C64, bytes);
  std::vector<std::byte> parts(whole.size());
  for (std::size_t first = 0; first < bytes.size(); first += 8 * 1001) {
    const auto part = std::span(bytes).subspan(first, std::min<std::size_t>(8 * 1001, bytes.size() - first));
    sample(DType::C64, bytes.size(), first / 8, part, parts);
  }
  EXPECT_EQ(parts, whole);
}

TEST(SamplePosition, is_below_n_and_evenly_spread) {
  for (const std::uint64_t n : {1ull, 2ull, 3ull, 1000ull, 65536ull, 1ull << 48}) {
    double sum = 0;
    for (std::size_t i = 0; i < kMostSamples; ++i) {
      ASSERT_LT(sample_position(i, n), n);
      sum += (static_cast<double>(sample_position(i, n)) + 0.5) / static_cast<double>(n);
    }
    EXPECT_NEAR(sum / kMostSamples, 0.5, 0.05) << n;
  }
}

TEST(SamplePosition, stays_if_a_layer_grows_or_moves_into_the_new_part) {
  constexpr std::uint64_t kBefore = 1'000'000;
  constexpr std::uint64_t kAfter = 1'100'000;
  std::size_t n_moved = 0;
  for (std::size_t i = 0; i < kMostSamples; ++i) {
    const auto after = sample_position(i, kAfter);
    if (after == sample_position(i, kBefore)) continue;
    EXPECT_GE(after, kBefore);
    ++n_moved;
  }
  EXPECT_NEAR(static_cast<double>(n_moved) / kMostSamples, 1 - 1 / 1.1, 0.04);
}

// Sketches of one archive are compared with those of another day: positions must never change.
TEST(SamplePosition, never_changes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kMostSamples; ++i) sum = sum * 31 + sample_position(i, 123'456'789);
  EXPECT_EQ(sum, 15584198703375685419u);
}

}  // namespace
}  // namespace elves::families
