#include "families/prediction.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <memory>

#include "unit/families/family_data.hpp"

namespace elves::families {
namespace {

constexpr std::uint64_t kBytes = 1u << 20;

std::unique_ptr<Samples> samples_of(DType dtype, std::uint64_t layer_bytes, std::span<const std::byte> sketch,
                                    Words words) {
  auto samples = std::make_unique<Samples>();
  load_samples(dtype, layer_bytes, sketch, words, *samples);
  find_contexts(*samples);
  return samples;
}

template <class Value>
std::unique_ptr<Samples> samples_of(DType dtype, std::uint64_t layer_bytes, const Value& value,
                                    Words words = Words::Patterns) requires std::is_invocable_v<Value, std::uint64_t> {
  return samples_of(dtype, layer_bytes, sketch_of(dtype, layer_bytes, value), words);
}

double bits(Bits fixed) {
  return static_cast<double>(fixed) / kOneBit;
}

const Normal kBase(1, 0.02);

auto fine_tune(double noise) {
  return [change = Normal(2, 0.02 * noise)](std::uint64_t at) { return kBase(at) + change(at); };
}

// The entropies of 10^6 elements, by the model in docs/design/families.md: predictions are within a third of a
// bit.
TEST(Prediction, is_near_the_entropy_of_all_elements) {
  EXPECT_NEAR(bits(predict_standalone(*samples_of(DType::BF16, kBytes, kBase))), 10.54, 0.2);
  EXPECT_NEAR(bits(predict_standalone(*samples_of(DType::F32, kBytes, kBase))), 26.55, 0.2);
  const auto delta = [](DType dtype, double noise) {
    const auto own = samples_of(dtype, kBytes, fine_tune(noise));
    return bits(predict_delta(*own, *samples_of(dtype, kBytes, kBase), predict_standalone(*own)));
  };
  EXPECT_NEAR(delta(DType::BF16, 5e-4), 0.98, 0.3);
  EXPECT_NEAR(delta(DType::BF16, 0.02), 4.98, 0.3);
  EXPECT_NEAR(delta(DType::BF16, 0.25), 9.07, 0.3);
  EXPECT_NEAR(delta(DType::F32, 5e-5), 12.25, 0.35);
  EXPECT_NEAR(delta(DType::F32, 0.02), 20.96, 0.3);
  EXPECT_NEAR(delta(DType::F32, 0.25), 25.07, 0.3);
}

TEST(Prediction, of_an_unrelated_base_is_not_below_standalone) {
  for (const DType dtype : {DType::BF16, DType::F32, DType::F64}) {
    const auto own = samples_of(dtype, kBytes, kBase);
    const Bits standalone = predict_standalone(*own);
    EXPECT_GT(predict_delta(*own, *samples_of(dtype, kBytes, Normal(3, 0.02)), standalone), standalone);
  }
}

TEST(Prediction, of_elf_integers_is_below_that_of_bit_patterns) {
  const auto own = samples_of(DType::F32, kBytes, fine_tune(0.02), Words::Elf);
  const auto base = samples_of(DType::F32, kBytes, kBase, Words::Elf);
  const Bits standalone = predict_standalone(*own);
  // Normal values of sigma 0.02 on a grid of 2^-24 halves: log2(0.02 * 2^23 * sqrt(2 pi e)).
  EXPECT_NEAR(bits(standalone), 19.4, 1.2);
  EXPECT_NEAR(bits(standalone) - bits(predict_delta(*own, *base, standalone)), 5.64, 0.4);  // log2(1 / 0.02)
}

TEST(Prediction, of_a_delta_of_itself_is_zero) {
  for (const DType dtype : {DType::BF16, DType::F32, DType::F64}) {
    const auto own = samples_of(dtype, kBytes, kBase);
    EXPECT_EQ(predict_delta(*own, *own, predict_standalone(*own)), 0u);
  }
}

TEST(Prediction, of_constants_is_zero) {
  EXPECT_EQ(predict_standalone(*samples_of(DType::F32, kBytes, [](std::uint64_t) { return 1.0; })), 0u);
  const auto nan = [](std::uint64_t) { return std::numeric_limits<double>::quiet_NaN(); };
  EXPECT_EQ(predict_standalone(*samples_of(DType::F32, kBytes, nan)), 0u);
}

TEST(Prediction, does_not_count_the_zeros_of_converted_numbers) {
  const auto short_value = [](std::uint64_t at) {
    return static_cast<double>(
        std::bit_cast<float>(std::bit_cast<std::uint32_t>(static_cast<float>(kBase(at))) & 0xFFFF'0000u));
  };
  EXPECT_NEAR(bits(predict_standalone(*samples_of(DType::F32, kBytes, short_value))), 10.55, 0.2);
}

TEST(Prediction, of_a_grown_layer_counts_new_elements_as_standalone) {
  const std::uint64_t grown = kBytes / 4 * 5;
  const auto own = samples_of(DType::F32, grown, kBase);
  const Bits standalone = predict_standalone(*own);
  EXPECT_NEAR(bits(predict_delta(*own, *samples_of(DType::F32, kBytes, kBase), standalone)), bits(standalone) / 5,
              0.01);
  const auto shrunk = samples_of(DType::F32, kBytes, kBase);
  EXPECT_EQ(predict_delta(*shrunk, *own, predict_standalone(*shrunk)), 0u);
}

TEST(ElfTakes, layers_that_pass_its_guard) {
  const auto takes = [](DType dtype, double sigma) {
    return elf_takes(dtype, kBytes, sketch_of(dtype, kBytes, Normal(1, sigma)));
  };
  EXPECT_TRUE(takes(DType::F32, 0.02));
  EXPECT_TRUE(takes(DType::F64, 1e-9));
  EXPECT_FALSE(takes(DType::F32, 1e-5));
  EXPECT_FALSE(takes(DType::BF16, 0.02));
}

// Any bytes are samples: signs, NaN, denormals, infinities.
TEST(Prediction, accepts_any_bits) {
  for (const DType dtype : {DType::F64, DType::F32, DType::F16, DType::BF16, DType::F8E4M3, DType::F8E5M2FNUZ}) {
    for (const Words words : {Words::Patterns, Words::Elf}) {
      if (words == Words::Elf && dtype != DType::F64 && dtype != DType::F32 && dtype != DType::F16) continue;
      std::vector<std::byte> a(sketch_bytes(dtype, kBytes));
      std::vector<std::byte> b(a.size());
      for (std::size_t i = 0; i < a.size(); ++i) {
        a[i] = static_cast<std::byte>(i * 2654435761u >> 13);
        b[i] = static_cast<std::byte>(i * 40503u >> 7);
      }
      const auto own = samples_of(dtype, kBytes, a, words);
      const Bits standalone = predict_standalone(*own);
      EXPECT_LE(bits(standalone), 90) << name(dtype);
      EXPECT_LE(bits(predict_delta(*own, *samples_of(dtype, kBytes, b, words), standalone)), 90) << name(dtype);
    }
  }
}

}  // namespace
}  // namespace elves::families
