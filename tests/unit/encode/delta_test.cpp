// Chunks stored as deltas of a base: their size, which base decoding needs, and what elf-delta decodes to.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "chunk_data.hpp"

namespace elves {
namespace {

using testing::Bytes;
using testing::FineTune;

constexpr EncodeOptions kLossless{.lossless = true};

struct Done {
  ChunkStats stats;
  Bytes encoded;
  Bytes decoded;
};

Done encode(const Bytes& raw, DType dtype, const EncodeOptions& options, const Base& base) {
  Encoder encoder;
  Done done;
  done.stats = encoder.encode(raw, dtype, options, done.encoded, base);
  done.decoded.assign(encoder.decoded().begin(), encoder.decoded().end());
  return done;
}

Result<void> decode(const Bytes& encoded, DType dtype, Bytes& out, std::span<const std::byte> base) {
  return Decoder().decode(encoded, dtype, out, base);
}

void expect_round_trip(const Done& done, DType dtype, const Bytes& raw, std::span<const std::byte> base) {
  Bytes back(raw.size());
  const auto decoded = decode(done.encoded, dtype, back, base);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
  EXPECT_EQ(back, raw);
  EXPECT_EQ(done.decoded, raw);
}

std::string error_of(const Bytes& encoded, DType dtype, std::size_t n_bytes, std::span<const std::byte> base) {
  Bytes back(n_bytes);
  const auto decoded = decode(encoded, dtype, back, base);
  return decoded ? "" : decoded.error().message;
}

template <class T>
Bytes bytes_of(const std::vector<T>& values) {
  return testing::bytes_of(values);
}

TEST(Delta, of_a_fine_tune_is_smaller_than_the_standalone_chunk) {
  for (const DType dtype : {DType::F64, DType::F32, DType::F16, DType::BF16, DType::F8E4M3, DType::F8E5M2, DType::C64,
                            DType::C32, DType::I32, DType::U16, DType::I8}) {
    SCOPED_TRACE(name(dtype));
    const auto family = testing::fine_tune(dtype, 100000, 0.01);
    const auto done = encode(family.own, dtype, kLossless, {family.base});
    const auto alone = encode(family.own, dtype, kLossless, {});
    EXPECT_EQ(done.stats.transform, TransformId::Delta);
    EXPECT_TRUE(done.stats.exact);
    EXPECT_LT(done.stats.encoded_bytes, alone.stats.encoded_bytes * 9 / 10);
    EXPECT_NEAR(static_cast<double>(done.stats.standalone_bytes), static_cast<double>(alone.stats.encoded_bytes),
                0.1 * static_cast<double>(alone.stats.encoded_bytes));
    EXPECT_EQ(alone.stats.standalone_bytes, alone.stats.encoded_bytes);
    expect_round_trip(done, dtype, family.own, family.base);
  }
}

TEST(Delta, of_bf16_takes_less_than_the_entropy_of_its_differences) {
  const auto family = testing::fine_tune(DType::BF16, 2000000, 0.05);
  const auto done = encode(family.own, DType::BF16, kLossless, {family.base});
  EXPECT_LT(static_cast<double>(done.stats.encoded_bytes) * 8 / 2e6, 6.40);  // in planes of bytes: 6.93
}

TEST(Delta, of_an_equal_chunk_takes_a_few_bytes) {
  for (const DType dtype : {DType::F64, DType::F32, DType::BF16, DType::F8E4M3, DType::I8}) {
    const auto base = testing::normal_weights(dtype, 300000, 0.02, 5);
    const auto done = encode(base, dtype, kLossless, {base});
    EXPECT_EQ(done.stats.transform, TransformId::Delta) << name(dtype);
    EXPECT_LE(done.encoded.size(), 60u) << name(dtype);
    expect_round_trip(done, dtype, base, base);
  }
}

TEST(Delta, of_unrelated_weights_is_not_used) {
  const auto own = testing::normal_weights(DType::BF16, 100000, 0.02, 5);
  const auto base = testing::normal_weights(DType::BF16, 100000, 0.02, 6);
  EXPECT_FALSE(needs_base(encode(own, DType::BF16, kLossless, {base}).stats.transform));
}

TEST(Delta, keeps_every_bit_pattern) {
  constexpr auto nan = std::numeric_limits<float>::quiet_NaN();
  constexpr auto inf = std::numeric_limits<float>::infinity();
  const std::vector<float> values{0.0F, -0.0F, 1e-45F, -1e-45F, nan, -nan, inf, -inf, 1.0F, 3.4e38F};
  std::vector<float> own;
  std::vector<float> base;
  for (const float value : values) {
    for (const float other : values) {
      for (int i = 0; i < 200; ++i) {
        own.push_back(i % 20 == 0 ? value : other);
        base.push_back(other);
      }
    }
  }
  for (const auto level : {Level::Fast, Level::Default, Level::Max}) {
    const auto done =
        encode(bytes_of(own), DType::F32, {.lossless = true, .level = level, .use_de = false}, {bytes_of(base)});
    expect_round_trip(done, DType::F32, bytes_of(own), bytes_of(base));
  }
}

TEST(Delta, of_flipped_signs_is_an_xor) {
  auto family = testing::fine_tune(DType::F32, 50000, 0);
  testing::Random random(3);
  for (std::size_t at = 3; at < family.own.size(); at += 4) {
    if (random.below(2) == 0) family.own[at] ^= std::byte{0x80};
  }
  const auto done = encode(family.own, DType::F32, kLossless, {family.base});
  EXPECT_LT(done.encoded.size(), 50000u / 8 + 500);  // a bit each
  expect_round_trip(done, DType::F32, family.own, family.base);
}

TEST(Delta, codes_the_elements_after_the_end_of_the_base) {
  const auto family = testing::fine_tune(DType::BF16, 60000, 0.01);
  for (const std::size_t n_words : {1u, 63u, 30000u, 59999u}) {
    const auto base = std::span(family.base).first(2 * n_words);
    for (const auto level : {Level::Default, Level::Max}) {
      const auto done = encode(family.own, DType::BF16, {.lossless = true, .level = level}, {base});
      EXPECT_TRUE(n_words < 10000 || needs_base(done.stats.transform));
      expect_round_trip(done, DType::BF16, family.own, base);
      expect_round_trip(done, DType::BF16, family.own, family.base);  // a longer base gives the same
    }
  }
}

TEST(Delta, of_a_grown_layer_is_no_larger_than_its_parts) {
  const auto family = testing::fine_tune(DType::F32, 100000, 0.001);
  const auto half = family.base.size() / 2;
  const auto done = encode(family.own, DType::F32, kLossless, {std::span(family.base).first(half)});
  const auto head = encode({family.own.begin(), family.own.begin() + static_cast<std::ptrdiff_t>(half)}, DType::F32,
                           kLossless, {std::span(family.base).first(half)});
  const auto tail =
      encode({family.own.begin() + static_cast<std::ptrdiff_t>(half), family.own.end()}, DType::F32, kLossless, {});
  EXPECT_LT(static_cast<double>(done.encoded.size()),
            1.03 * static_cast<double>(head.encoded.size() + tail.encoded.size()));
}

TEST(Delta, of_few_elements_round_trips) {
  for (const DType dtype : testing::all_dtypes()) {
    if (block_elements(dtype) > 1) continue;
    for (const std::size_t n : {0u, 1u, 2u, 65u, 300u}) {
      const auto family = testing::fine_tune(dtype, n, 0.001);
      for (const auto level : {Level::Default, Level::Max}) {
        const auto done = encode(family.own, dtype, {.lossless = true, .level = level}, {family.base});
        expect_round_trip(done, dtype, family.own, family.base);
        EXPECT_LE(done.encoded.size(), family.own.size() + 16);
      }
    }
  }
}

TEST(Delta, is_used_only_if_options_and_base_allow_it) {
  const auto family = testing::fine_tune(DType::F32, 20000, 0.001);
  const auto transform_of = [&](const EncodeOptions& options, const Base& base) {
    return encode(family.own, DType::F32, options, base).stats.transform;
  };
  EXPECT_EQ(transform_of(kLossless, {family.base}), TransformId::Delta);
  EXPECT_FALSE(needs_base(transform_of(kLossless, {})));
  EXPECT_FALSE(needs_base(transform_of({.lossless = true, .use_delta = false}, {family.base})));
  EXPECT_FALSE(needs_base(transform_of(kLossless, {family.base, false})));
  EXPECT_EQ(transform_of({}, {family.base, false}), TransformId::ElfDelta);
  EXPECT_FALSE(needs_base(transform_of({.use_delta = false}, {family.base, false})));
  EXPECT_NE(transform_of({.use_elf = false}, {family.base}), TransformId::ElfDelta);
}

TEST(Delta, reports_the_raw_size_as_standalone_size_if_nothing_else_is_allowed) {
  const auto family = testing::fine_tune(DType::F32, 20000, 0.001);
  const EncodeOptions only_delta{
      .lossless = true, .use_de = false, .use_palette = false, .use_planes = false, .use_entropy_coding = true};
  const auto done = encode(family.own, DType::F32, only_delta, {family.base});
  ASSERT_EQ(done.stats.transform, TransformId::Delta);
  EXPECT_EQ(done.stats.standalone_bytes, family.own.size());
}

TEST(Delta, decoding_with_another_base_names_the_problem) {
  for (const auto& options : {EncodeOptions{}, kLossless}) {
    const auto family = testing::fine_tune(DType::F32, 20000, 0.001);
    const auto done = encode(family.own, DType::F32, options, {family.base});
    ASSERT_TRUE(needs_base(done.stats.transform));
    const auto error_with = [&](std::span<const std::byte> base) {
      return error_of(done.encoded, DType::F32, family.own.size(), base);
    };
    auto other = family.base;
    other[40003] ^= std::byte{1};  // of an exponent
    EXPECT_EQ(error_with(family.base), "");
    EXPECT_NE(error_with(other).find("the base is not the one"), std::string::npos) << error_with(other);
    EXPECT_NE(error_with({}).find("0 are given"), std::string::npos) << error_with({});
    const auto shorter = std::span(family.base).first(family.base.size() - 4);
    EXPECT_NE(error_with(shorter).find("19999 are given"), std::string::npos) << error_with(shorter);
  }
}

void expect_what_elf_gives(const FineTune& family, DType dtype, EncodeOptions options) {
  const auto base = encode(family.base, dtype, options, {});
  options.use_delta = false;
  const auto alone = encode(family.own, dtype, options, {family.base});
  ASSERT_EQ(alone.stats.transform, TransformId::Elf);
  options.use_delta = true;
  for (const auto& given : {Base{family.base, false}, Base{base.decoded, true}}) {
    const auto done = encode(family.own, dtype, options, given);
    ASSERT_EQ(done.stats.transform, TransformId::ElfDelta);
    EXPECT_EQ(done.stats.max_abs_error, alone.stats.max_abs_error);
    EXPECT_LT(done.stats.encoded_bytes, alone.stats.encoded_bytes * 9 / 10);
    EXPECT_EQ(done.decoded, alone.decoded);
    for (const auto* bytes : {&family.base, &base.decoded}) {
      Bytes back(family.own.size());
      const auto decoded = decode(done.encoded, dtype, back, *bytes);
      ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
      EXPECT_EQ(back, alone.decoded);
    }
  }
}

TEST(ElfDelta, decodes_to_the_same_values_as_elf) {
  for (const DType dtype : {DType::F16, DType::F32, DType::F64}) {
    for (const double bound : {0.0, 1e-4, 3e-3}) {
      SCOPED_TRACE(std::string(name(dtype)) + ", " + std::to_string(bound));
      const auto family = testing::fine_tune(dtype, 50000, dtype == DType::F16 ? 0.1 : 0.01);
      if (dtype == DType::F16 && bound == 1e-4) continue;  // below ELF's own bound
      expect_what_elf_gives(family, dtype, {.error_bound = bound, .min_snr_db = 0});
    }
  }
}

TEST(ElfDelta, keeps_outliers_of_the_chunk_and_of_the_base) {
  auto family = testing::fine_tune(DType::F32, 50000, 0.01);
  testing::Random random(8);
  const std::vector<float> outliers{1.0F, -2.5F, std::numeric_limits<float>::quiet_NaN(), 0.99999999F};
  for (int i = 0; i < 300; ++i) {
    const float value = outliers[random.below(outliers.size())];
    auto& bytes = i % 2 == 0 ? family.own : family.base;
    std::memcpy(bytes.data() + 4 * random.below(50000), &value, sizeof value);
  }
  expect_what_elf_gives(family, DType::F32, {.min_snr_db = 0});
}

TEST(ElfDelta, codes_the_elements_after_the_end_of_the_base) {
  const auto family = testing::fine_tune(DType::F32, 50001, 0.01);
  const auto base = std::span(family.base).first(4 * 30000);
  const auto done = encode(family.own, DType::F32, {}, {base, false});
  const auto alone = encode(family.own, DType::F32, {}, {});
  ASSERT_EQ(done.stats.transform, TransformId::ElfDelta);
  EXPECT_EQ(done.decoded, alone.decoded);
  Bytes back(family.own.size());
  ASSERT_TRUE(decode(done.encoded, DType::F32, back, base).has_value());
  EXPECT_EQ(back, alone.decoded);
}

TEST(ElfDelta, is_stopped_by_the_guard) {
  const auto family = testing::fine_tune(DType::F32, 50000, 0.01);
  const auto done = encode(family.own, DType::F32, {.min_snr_db = 200}, {family.base});
  EXPECT_EQ(done.stats.transform, TransformId::Delta);
}

}  // namespace
}  // namespace elves
