// The size of chunks of normal weights (sigma 0.02) is within 0.5 % of the order-0 entropy of their planes, for each
// float dtype.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <ostream>

#include "encode_data.hpp"
#include "measure/forced_encoder.hpp"
#include "measure/order0.hpp"

namespace elves {
namespace benchmarks {

void PrintTo(const DataKind& kind, std::ostream* to) {
  *to << kind.name;
}

}  // namespace benchmarks

namespace {

using benchmarks::DataKind;

constexpr double kMost = 1.005;

std::vector<std::byte> chunk_of(const DataKind& kind) {
  return kind.make(kChunkBytes, 0.02, 1);
}

/// The sum of the order-0 entropies of the streams of a transform.
double entropy_bytes(TransformId id, const std::vector<std::byte>& raw, DType dtype, const EncodeOptions& options) {
  measure::ForcedEncoder forced;
  forced.encode(*encode::find_transform(static_cast<std::uint8_t>(id)), raw, dtype, options);
  return measure::order0_bytes(forced.split());
}

void expect_near(const ChunkStats& stats, double entropy) {
  const auto encoded = static_cast<double>(stats.encoded_bytes);
  std::printf("%s: %.0f bytes, entropy %.0f: %+.2f %%, ratio %.4f\n", name(stats.transform).data(), encoded, entropy,
              100 * (encoded / entropy - 1), static_cast<double>(stats.raw_bytes) / encoded);
  EXPECT_LE(encoded, kMost * entropy);
}

std::string name_of(const testing::TestParamInfo<DataKind>& kind) {
  std::string text = kind.param.name;
  std::ranges::replace(text, ' ', '_');
  return text;
}

class FloatsOfAllKinds : public testing::TestWithParam<DataKind> {};

TEST_P(FloatsOfAllKinds, are_near_the_entropy_of_their_planes) {
  const auto raw = chunk_of(GetParam());
  const EncodeOptions options{.lossless = true};
  std::vector<std::byte> out;
  const auto stats = Encoder().encode(raw, GetParam().dtype, options, out);
  expect_near(stats, entropy_bytes(TransformId::Planes, raw, GetParam().dtype, options));
}

INSTANTIATE_TEST_SUITE_P(Encoder, FloatsOfAllKinds,
                         testing::Values(benchmarks::kF8E4M3, benchmarks::kF8E5M2, benchmarks::kF16, benchmarks::kBf16,
                                         benchmarks::kF32, benchmarks::kF64, benchmarks::kF32FromBf16,
                                         benchmarks::kF32FromF16),
                         name_of);

class FloatsWithAnElfForm : public testing::TestWithParam<DataKind> {};

TEST_P(FloatsWithAnElfForm, are_near_the_entropy_of_the_planes_of_elf) {
  const auto raw = chunk_of(GetParam());
  const EncodeOptions options{.min_snr_db = 0};
  std::vector<std::byte> out;
  const auto stats = Encoder().encode(raw, GetParam().dtype, options, out);
  expect_near(stats, entropy_bytes(TransformId::Elf, raw, GetParam().dtype, options));
}

INSTANTIATE_TEST_SUITE_P(Encoder, FloatsWithAnElfForm,
                         testing::Values(benchmarks::kF16, benchmarks::kF32, benchmarks::kF64),
                         [](const auto& kind) { return std::string(name(kind.param.dtype)); });

}  // namespace
}  // namespace elves
