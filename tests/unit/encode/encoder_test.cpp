// Which transform the encoder chooses, when the guard prevents ELF, and the effect of the error bound and the stage
// switches.
#include <gtest/gtest.h>

#include <algorithm>

#include "chunk_data.hpp"

namespace elves {
namespace {

using testing::Bytes;

constexpr std::size_t kN = 100000;

struct Done {
  ChunkStats stats;
  Bytes encoded;
  Bytes decoded;
  double ratio() const { return static_cast<double>(stats.raw_bytes) / static_cast<double>(stats.encoded_bytes); }
};

Done encode(const Bytes& raw, DType dtype, const EncodeOptions& options = {}) {
  Encoder encoder;
  Done done;
  done.stats = encoder.encode(raw, dtype, options, done.encoded);
  done.decoded.assign(encoder.decoded().begin(), encoder.decoded().end());
  Bytes back(raw.size());
  EXPECT_TRUE(Decoder().decode(done.encoded, dtype, back).has_value());
  EXPECT_EQ(back, done.decoded);
  return done;
}

Bytes weights(DType dtype, double sigma) {
  return testing::normal_weights(dtype, kN, sigma, 9);
}

TEST(Encoder, uses_elf_for_float32_weights) {
  const auto done = encode(weights(DType::F32, 0.02), DType::F32);
  EXPECT_EQ(done.stats.transform, TransformId::Elf);
  EXPECT_GT(done.ratio(), 1.6);
  EXPECT_FALSE(done.stats.exact);
  EXPECT_LE(done.stats.max_abs_error, 0x1p-24);
  EXPECT_GT(done.stats.max_abs_error, 0x1p-25);
}

TEST(Encoder, is_exact_for_dtypes_without_elf) {
  for (const DType dtype : {DType::BF16, DType::F8E4M3, DType::F8E5M2, DType::C64, DType::C128, DType::I32}) {
    const Bytes raw = weights(dtype, 0.02);
    const auto done = encode(raw, dtype, {.min_snr_db = 0});
    EXPECT_TRUE(done.stats.exact) << name(dtype);
    EXPECT_EQ(done.decoded, raw) << name(dtype);
  }
}

TEST(Encoder, reaches_the_ratios_of_exponent_planes) {
  EXPECT_GT(encode(weights(DType::BF16, 0.02), DType::BF16).ratio(), 1.49);
  EXPECT_GT(encode(weights(DType::F32, 0.02), DType::F32, {.lossless = true}).ratio(), 1.19);
  EXPECT_GT(encode(weights(DType::F16, 0.02), DType::F16).ratio(), 1.15);
  EXPECT_GT(encode(weights(DType::F64, 0.02), DType::F64, {.lossless = true}).ratio(), 1.09);
}

TEST(Encoder, never_changes_a_float_when_lossless) {
  for (const DType dtype : {DType::F16, DType::F32, DType::F64}) {
    const auto done = encode(weights(dtype, 0.02), dtype, {.lossless = true, .min_snr_db = 0});
    EXPECT_TRUE(done.stats.exact);
    EXPECT_EQ(done.stats.max_abs_error, 0);
    EXPECT_EQ(done.decoded, weights(dtype, 0.02));
  }
}

TEST(Encoder, codes_the_zeros_of_upcast_bf16_in_almost_no_bytes) {
  Bytes raw = weights(DType::F32, 0.02);
  for (std::size_t i = 0; i < raw.size(); i += 4) raw[i] = raw[i + 1] = std::byte{0};
  const auto done = encode(raw, DType::F32);
  EXPECT_TRUE(done.stats.exact);
  EXPECT_GT(done.ratio(), 2.9);
}

TEST(Encoder, uses_a_lossy_transform_only_if_it_is_smaller) {
  Bytes raw = weights(DType::F32, 0.02);
  for (std::size_t i = 0; i < raw.size(); i += 4) raw[i] = raw[i + 1] = std::byte{0};
  EXPECT_TRUE(encode(raw, DType::F32, {.min_snr_db = 0}).stats.exact);
}

TEST(Encoder, does_not_use_elf_for_tiny_values) {
  const Bytes moments = weights(DType::F32, 1e-8);
  const auto guarded = encode(moments, DType::F32);
  EXPECT_TRUE(guarded.stats.exact);
  EXPECT_EQ(guarded.decoded, moments);

  const auto unguarded = encode(moments, DType::F32, {.min_snr_db = 0});
  EXPECT_EQ(unguarded.stats.transform, TransformId::Elf);
  EXPECT_FALSE(unguarded.stats.exact);
}

TEST(Encoder, does_not_use_elf_for_values_whose_squares_underflow) {
  for (const double sigma : {1e-25, 1e-40, 1e-44}) {
    const Bytes raw = weights(DType::F32, sigma);
    EXPECT_EQ(encode(raw, DType::F32).decoded, raw) << sigma;
  }
  const Bytes raw = weights(DType::F64, 1e-200);
  EXPECT_EQ(encode(raw, DType::F64).decoded, raw);
}

TEST(Encoder, uses_elf_in_spite_of_one_tiny_error) {
  testing::Random random(8);
  auto raw =
      testing::elements_of(DType::F32, kN, [&](std::size_t) { return std::round(random.normal() * 0x1p17) * 0x1p-23; });
  EXPECT_EQ(encode(raw, DType::F32).stats.max_abs_error, 0);
  const float tiny = 1e-30F;
  std::memcpy(raw.data(), &tiny, sizeof tiny);
  const auto done = encode(raw, DType::F32);
  EXPECT_EQ(done.stats.transform, TransformId::Elf);
  EXPECT_EQ(done.stats.max_abs_error, static_cast<double>(tiny));
}

TEST(Encoder, applies_the_guard_to_the_whole_chunk) {
  const Bytes raw = weights(DType::F32, 0.02);
  Done done = encode(raw, DType::F32);
  double signal = 0;
  double noise = 0;
  for (std::size_t at = 0; at < raw.size(); at += 4) {
    const double p = testing::element_as_double(DType::F32, &raw[at]);
    const double r = testing::element_as_double(DType::F32, &done.decoded[at]);
    signal += p * p;
    noise += (p - r) * (p - r);
  }
  const double snr_db = 10 * std::log10(signal / noise);
  EXPECT_FALSE(encode(raw, DType::F32, {.min_snr_db = snr_db - 0.01}).stats.exact);
  EXPECT_TRUE(encode(raw, DType::F32, {.min_snr_db = snr_db + 0.01}).stats.exact);
}

TEST(Encoder, keeps_half_precision_exact_unless_the_guard_is_off) {
  const Bytes raw = weights(DType::F16, 0.02);
  EXPECT_TRUE(encode(raw, DType::F16).stats.exact);
  const auto unguarded = encode(raw, DType::F16, {.min_snr_db = 0});
  EXPECT_EQ(unguarded.stats.transform, TransformId::Elf);
  EXPECT_LE(unguarded.stats.max_abs_error, 0x1p-11);
  EXPECT_GT(unguarded.ratio(), 2.3);
}

TEST(Encoder, uses_a_wider_error_bound_and_stays_within_it) {
  double last_ratio = 1.6;
  for (const double bound : {1e-6, 1e-5, 1e-4, 1e-3}) {
    const auto done = encode(weights(DType::F32, 0.02), DType::F32, {.error_bound = bound, .min_snr_db = 0});
    EXPECT_EQ(done.stats.transform, TransformId::Elf);
    EXPECT_LE(done.stats.max_abs_error, bound);
    EXPECT_GT(done.stats.max_abs_error, bound / 4);
    EXPECT_GT(done.ratio(), last_ratio + 0.2) << bound;
    EXPECT_EQ(testing::difference(DType::F32, weights(DType::F32, 0.02), done.decoded, bound), "");
    last_ratio = done.ratio();
  }
}

TEST(Encoder, does_not_use_elf_for_a_bound_below_its_own) {
  EXPECT_TRUE(encode(weights(DType::F32, 0.02), DType::F32, {.error_bound = 1e-8}).stats.exact);
  EXPECT_FALSE(encode(weights(DType::F64, 0.02), DType::F64, {.error_bound = 1e-8}).stats.exact);
}

TEST(Encoder, stores_outliers_without_error) {
  Bytes raw = weights(DType::F32, 0.02);
  const float values[] = {std::nanf("3"), -HUGE_VALF, 1.0F, -7.25F, 0x1.fffffep-1F};
  for (std::size_t i = 0; i < std::size(values); ++i) std::memcpy(&raw[i * 4000], &values[i], 4);
  const auto done = encode(raw, DType::F32);
  EXPECT_EQ(done.stats.transform, TransformId::Elf);
  EXPECT_LE(done.stats.max_abs_error, 0x1p-24);
  EXPECT_EQ(testing::difference(DType::F32, raw, done.decoded, 0x1p-24), "");
}

TEST(Encoder, uses_de_for_values_that_repeat_at_short_distances) {
  testing::Random random(3);
  std::vector<float> values;
  for (std::size_t i = 0; i < kN; ++i) {
    const bool repeat = i > 4 && random.below(10) != 0;
    values.push_back(repeat ? values[i - 1 - random.below(3)] : static_cast<float>(random.normal()));
  }
  const auto raw = testing::bytes_of(values);
  const auto with = encode(raw, DType::F32, {.lossless = true});
  const auto without = encode(raw, DType::F32, {.lossless = true, .use_de = false});
  EXPECT_EQ(with.stats.transform, TransformId::De);
  EXPECT_LT(with.stats.encoded_bytes, without.stats.encoded_bytes);
}

TEST(Encoder, obeys_the_stage_switches) {
  const Bytes raw = weights(DType::F32, 0.02);
  EXPECT_EQ(encode(raw, DType::F32, {.use_elf = false}).stats.transform, TransformId::Planes);
  EXPECT_EQ(encode(raw, DType::F32, {.use_elf = false, .use_planes = false}).stats.transform, TransformId::Raw);
  const auto stored = encode(raw, DType::F32, {.lossless = true, .use_entropy_coding = false});
  EXPECT_EQ(stored.stats.transform, TransformId::Raw);
  EXPECT_LE(stored.stats.encoded_bytes, raw.size() + 5);
}

TEST(Encoder, switches_palette_and_de_separately) {
  std::vector<float> few;
  testing::Random random(9);
  for (std::size_t i = 0; i < kN; ++i) few.push_back(static_cast<float>(random.below(7)) * 0.37f);
  const auto raw = testing::bytes_of(few);
  const auto transform = [&](const EncodeOptions& options) { return encode(raw, DType::F32, options).stats.transform; };
  const EncodeOptions only_palette{.use_elf = false, .use_de = false, .use_planes = false};
  EXPECT_EQ(transform(only_palette), TransformId::Palette);
  EXPECT_EQ(transform({.use_elf = false, .use_palette = false, .use_planes = false}), TransformId::De);
}

TEST(Encoder, adds_three_bytes_to_a_small_text) {
  const std::string text = R"({"architectures": ["LlamaForCausalLM"], "eos": 2})";
  Bytes raw(text.size());
  std::memcpy(raw.data(), text.data(), text.size());
  EXPECT_EQ(encode(raw, DType::Bytes).stats.encoded_bytes, raw.size() + 3);
  EXPECT_EQ(encode({}, DType::Bytes).stats.encoded_bytes, 2u);
}

TEST(Encoder, never_makes_a_chunk_more_than_16_bytes_larger) {
  for (const std::size_t n : {1u, 100u, 5000u, 300000u}) {
    for (const Level level : {Level::Fast, Level::Default}) {
      const Bytes raw = testing::random_bytes(8 * n, n);
      EXPECT_LE(encode(raw, DType::F64, {.level = level}).stats.encoded_bytes, raw.size() + 6);
      EXPECT_LE(encode(raw, DType::Bytes, {.level = level}).stats.encoded_bytes, raw.size() + 6);
    }
  }
}

TEST(Encoder, compresses_indices_and_text_well) {
  std::vector<std::int64_t> positions;
  for (std::size_t i = 0; i < 8192; ++i) positions.push_back(static_cast<std::int64_t>(i % 512));
  EXPECT_GT(encode(testing::bytes_of(positions), DType::I64).ratio(), 50);
  for (const auto& kind : testing::kinds()) {
    const double least = kind.name == "text" ? 50 : kind.name == "constant" ? 5000 : 0.999;
    EXPECT_GT(encode(kind.make(DType::F32, kN), DType::F32).ratio(), least) << kind.name;
  }
}

TEST(Encoder, compresses_sparse_weights_well) {
  testing::Random random(4);
  const auto raw = testing::elements_of(
      DType::F32, kN, [&](std::size_t) { return random.below(10) == 0 ? 0.02 * random.normal() : 0.0; });
  EXPECT_GT(encode(raw, DType::F32, {.lossless = true}).ratio(), 6);
}

TEST(Encoder, is_not_larger_at_a_higher_level) {
  for (const DType dtype : {DType::F32, DType::BF16, DType::I32}) {
    const Bytes raw = testing::normal_weights(dtype, 20000, 0.02, 9);
    const auto of = [&](Level level) { return encode(raw, dtype, {.level = level}).stats.encoded_bytes; };
    EXPECT_LE(of(Level::Max), of(Level::Default));
    EXPECT_LE(of(Level::Default), of(Level::Fast) + 16);
  }
}

TEST(Encoder, reports_at_level_max_the_size_of_level_default) {
  for (const DType dtype : {DType::F32, DType::BF16, DType::U8}) {
    const Bytes raw = weights(dtype, 0.02);
    const auto as_default = encode(raw, dtype).stats;
    const auto as_max = encode(raw, dtype, {.level = Level::Max}).stats;
    EXPECT_EQ(as_default.default_bytes, as_default.encoded_bytes) << name(dtype);
    EXPECT_EQ(as_max.default_bytes, as_default.encoded_bytes) << name(dtype);
    EXPECT_LT(as_max.encoded_bytes, as_max.default_bytes) << name(dtype);
  }
}

TEST(Encoder, gives_the_same_bytes_after_other_chunks) {
  for (const Level level : {Level::Default, Level::Max}) {
    const EncodeOptions options{.level = level};
    const Bytes small = testing::normal_weights(DType::F32, 700, 0.02, 1);
    Encoder used;
    Bytes first, other, again;
    used.encode(small, DType::F32, options, first);
    used.encode(weights(DType::F32, 0.02), DType::F32, options, other);
    used.encode(testing::random_bytes(3000, 2), DType::Bytes, options, other);
    used.encode(small, DType::F32, options, again);
    EXPECT_EQ(again, first);
  }
}

TEST(Encoder, counts_the_bytes_of_the_streams) {
  const auto done = encode(weights(DType::F32, 0.02), DType::F32);
  EXPECT_EQ(done.stats.transformed_bytes, 3 * kN);
  EXPECT_EQ(done.stats.encoded_bytes, done.encoded.size());
}

TEST(Encoder, encodes_a_chunk_of_full_size) {
  const std::size_t n = kChunkBytes / 4;
  const auto raw = testing::normal_weights(DType::F32, n, 0.05, 5);
  EXPECT_EQ(testing::difference(DType::F32, raw, encode(raw, DType::F32).decoded, 0x1p-24), "");
  EXPECT_EQ(encode(raw, DType::F32, {.lossless = true}).decoded, raw);
}

}  // namespace
}  // namespace elves
