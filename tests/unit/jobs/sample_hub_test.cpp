#include "tools/sample_hub/hub.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <set>
#include <string>

#include "formats/parse_file.hpp"
#include "support/posix.hpp"
#include "tools/sample_hub/arrays.hpp"

namespace elves::sample {
namespace {

namespace fs = std::filesystem;

template <class Element>
Element first(const Bytes& bytes) {
  Element element{};
  std::memcpy(&element, bytes.data(), sizeof element);
  return element;
}
unsigned f16(float value) {
  return first<std::uint16_t>(as_f16({value}));
}
unsigned bf16(float value) {
  return first<std::uint16_t>(as_bf16({value}));
}
unsigned f8(float value) {
  return first<std::uint8_t>(as_f8_e4m3({value}));
}

/// The meaning of the bits of a small float, by its definition; finite numbers only.
float decoded(unsigned bits, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = static_cast<int>(bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const auto mantissa = static_cast<float>(bits & ((1u << mantissa_bits) - 1)) / static_cast<float>(1 << mantissa_bits);
  const float magnitude = exponent == 0 ? std::ldexp(mantissa, 1 - bias) : std::ldexp(1 + mantissa, exponent - bias);
  return (bits >> (exponent_bits + mantissa_bits)) != 0 ? -magnitude : magnitude;
}

TEST(SampleArrays, every_half_keeps_its_bits) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    if ((bits & 0x7C00) == 0x7C00) continue;  // infinities and NaN
    ASSERT_EQ(f16(decoded(bits, 5, 10)), bits);
  }
  EXPECT_EQ(f16(std::numeric_limits<float>::infinity()), 0x7C00u);
  EXPECT_EQ(f16(-1e9f), 0xFC00u);
  EXPECT_GT(f16(std::numeric_limits<float>::quiet_NaN()), 0x7C00u);
}

TEST(SampleArrays, halves_are_rounded_to_nearest_even) {
  EXPECT_EQ(f16(1.0f + 0x1p-11f), 0x3C00u) << "a tie goes down to the even neighbour";
  EXPECT_EQ(f16(1.0f + 3 * 0x1p-11f), 0x3C02u) << "a tie goes up to the even neighbour";
  EXPECT_EQ(f16(1.0f + 0x1.8p-11f), 0x3C01u);
  EXPECT_EQ(f16(65519.0f), 0x7BFFu);
  EXPECT_EQ(f16(65520.0f), 0x7C00u);
  EXPECT_EQ(f16(0x1p-25f), 0u);
  EXPECT_EQ(f16(0x1.8p-25f), 1u);
}

TEST(SampleArrays, every_8_bit_float_keeps_its_bits_and_saturates) {
  for (unsigned bits = 0; bits < 0x100; ++bits) {
    if ((bits & 0x7F) == 0x7F) continue;  // NaN
    ASSERT_EQ(f8(decoded(bits, 4, 3)), bits);
  }
  EXPECT_EQ(f8(1e9f), 0x7Eu);
  EXPECT_EQ(f8(-std::numeric_limits<float>::infinity()), 0xFEu);
}

TEST(SampleArrays, bfloat16_is_rounded_to_nearest_even) {
  EXPECT_EQ(bf16(1.0f), 0x3F80u);
  EXPECT_EQ(bf16(1.0f + 0x1p-8f), 0x3F80u);
  EXPECT_EQ(bf16(1.0f + 3 * 0x1p-8f), 0x3F82u);
  EXPECT_EQ(bf16(-0.0f), 0x8000u);
  EXPECT_TRUE(std::isnan(rounded_to_bf16({std::bit_cast<float>(0x7F800001u)})[0]));
  EXPECT_EQ(rounded_to_bf16({0.3f}), rounded_to_bf16(rounded_to_bf16({0.3f})));
}

TEST(SampleArrays, normal_values_have_their_mean_and_sigma) {
  Random random(1);
  const auto values = normal(200'000, 1, 0.05, random);
  double sum = 0;
  double squares = 0;
  for (const float value : values) {
    sum += value - 1;
    squares += (value - 1.0) * (value - 1.0);
  }
  EXPECT_NEAR(sum / 200'000, 0, 0.001);
  EXPECT_NEAR(std::sqrt(squares / 200'000), 0.05, 0.001);
}

class SampleHub : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "elves-sample-XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path make(const std::string& name, std::uint64_t seed) const {
    const auto root = fs::path(folder_) / name;
    fs::create_directory(root);
    write_hub(root, seed, std::uint64_t{2} << 20);
    return root;
  }

  std::string folder_;
};

std::string contents(const fs::path& path) {
  if (!fs::is_regular_file(fs::symlink_status(path))) return {};
  const auto text = read_small_file(path.native(), 1 << 30);
  EXPECT_TRUE(text) << text.error().message;
  return text ? *text : std::string();
}

/// Everything that a seed decides of each path.
std::map<std::string, std::string> described(const fs::path& root) {
  std::map<std::string, std::string> rows;
  for (const auto& each : fs::recursive_directory_iterator(root)) {
    struct stat status {};
    ::lstat(each.path().c_str(), &status);
    rows[each.path().lexically_relative(root).native()] =
        std::to_string(status.st_mode) + " " + std::to_string(status.st_mtim.tv_sec) + "." +
        std::to_string(status.st_mtim.tv_nsec) + " " +
        (each.is_symlink() ? fs::read_symlink(each.path()).native() : "") + contents(each.path());
  }
  return rows;
}

TEST_F(SampleHub, is_decided_by_its_seed) {
  const auto first = described(make("first", 1));
  EXPECT_EQ(first, described(make("second", 1)));
  const auto other = described(make("other", 2));
  EXPECT_NE(first.at("acme/base/model.safetensors"), other.at("acme/base/model.safetensors"));
  EXPECT_GT(first.size(), 40u);
}

TEST_F(SampleHub, has_layers_in_every_weight_file_but_the_damaged_one) {
  const auto root = make("hub", 3);
  std::set<DType> dtypes;
  int n_weight_files = 0;
  int n_empty_layers = 0;
  for (const auto& each : fs::recursive_directory_iterator(root)) {
    if (!fs::is_regular_file(each.symlink_status())) continue;
    const bool is_large_blob = each.path().parent_path().filename() == "blobs" && each.file_size() > 10'000;
    if (each.path().extension() != ".safetensors" && !is_large_blob) continue;
    const auto bytes = contents(each.path());
    const auto parsed = formats::parse_file(formats::MemorySource(std::as_bytes(std::span(bytes))));
    const bool damaged = each.path().filename() == "damaged.safetensors";
    EXPECT_EQ(parsed.format == formats::FormatId::Safetensors, !damaged) << each.path() << parsed.opaque_reason;
    EXPECT_EQ(parsed.opaque_reason.empty(), !damaged) << each.path();
    ++n_weight_files;
    for (const auto& extent : parsed.extents) {
      if (extent.is_layer) dtypes.insert(extent.dtype);
      n_empty_layers += extent.is_layer && extent.length_bytes == 0;
    }
  }
  EXPECT_EQ(n_weight_files, 13) << "eight models, a checkpoint, a blob, and three odd files";
  EXPECT_EQ(n_empty_layers, 1);
  EXPECT_EQ(dtypes, (std::set{DType::F32, DType::F16, DType::BF16, DType::F8E4M3, DType::I64}));
}

TEST_F(SampleHub, has_the_size_that_was_asked_for) {
  const auto root = fs::path(folder_) / "sized";
  fs::create_directory(root);
  const auto asked = std::uint64_t{16} << 20;
  const auto size = write_hub(root, 1, asked);
  EXPECT_GT(size.bytes, asked * 8 / 10);
  EXPECT_LT(size.bytes, asked * 12 / 10);
}

}  // namespace
}  // namespace elves::sample
