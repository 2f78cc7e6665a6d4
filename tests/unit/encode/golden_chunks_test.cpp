// Chunks of the format as it was written once: they must decode for ever. `<name>.chunk.bin` holds the encoded chunk
// and
// `<name>.decoded.bin` what it decodes to; `<name>.base.bin`, where there is one, is the base that it rests on. New
// files are added with ELVES_WRITE_GOLDEN=1, which never replaces one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "chunk_data.hpp"

namespace elves {
namespace {

using testing::Bytes;

struct Golden {
  std::string name;
  DType dtype;
  TransformId transform;
  EncodeOptions options;
  Bytes raw;
  Bytes base = {};
};

std::filesystem::path folder() {
  return std::filesystem::path(__FILE__).parent_path() / ".." / ".." / "golden" / "chunks";
}

Bytes read(const std::string& file) {
  std::ifstream in(folder() / file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

void write_new(const std::string& file, std::span<const std::byte> bytes) {
  ASSERT_FALSE(std::filesystem::exists(folder() / file)) << file << ": golden files are added, not refreshed";
  std::ofstream(folder() / file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

std::vector<Golden> all() {
  const EncodeOptions lossless{.lossless = true};
  const EncodeOptions max{.lossless = true, .level = Level::Max};
  const EncodeOptions no_guard{.min_snr_db = 0};
  const EncodeOptions coarse{.error_bound = 1e-5, .min_snr_db = 0};
  const EncodeOptions only_de{.lossless = true, .use_planes = false, .use_entropy_coding = false};
  const auto normal = [](DType dtype, std::size_t n) { return testing::normal_weights(dtype, n, 0.02, 42); };
  const auto kind = [](const std::string& name, DType dtype, std::size_t n) {
    for (const auto& row : testing::kinds()) {
      if (row.name == name) return row.make(dtype, n);
    }
    return Bytes{};
  };
  const auto sparse = [](std::size_t n) {
    testing::Random random(3);
    Bytes bytes(n);
    for (auto& byte : bytes) {
      if (random.below(30) == 0) byte = static_cast<std::byte>(random.below(256) & random.below(256));
    }
    return bytes;
  };
  const auto three_values = [](std::size_t n) {
    testing::Random random(4);
    Bytes bytes(n);
    for (auto& byte : bytes) byte = static_cast<std::byte>(5 * random.below(3));
    return bytes;
  };
  const auto columns = [](std::size_t n) {
    testing::Random random(6);
    Bytes bytes(n);
    for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>(i % 37 * 61 % 200 + random.below(8));
    return bytes;
  };
  const auto few = [](DType dtype, std::size_t n, std::size_t n_values) {
    const auto values = testing::random_bytes(n_values * size_bytes(dtype), 9);
    testing::Random random(10);
    Bytes raw;
    for (std::size_t i = 0; i < n; ++i) {
      const auto from = values.begin() + static_cast<std::ptrdiff_t>(random.below(n_values) * size_bytes(dtype));
      raw.insert(raw.end(), from, from + static_cast<std::ptrdiff_t>(size_bytes(dtype)));
    }
    return raw;
  };
  std::vector<Golden> blocks;
  for (std::uint8_t number = 0; number < kDTypeCount; ++number) {
    const auto dtype = static_cast<DType>(number);
    if (block_elements(dtype) == 1) continue;
    const auto raw = testing::blocks_of_fields(dtype, block_elements(dtype) == 32 ? 100 : 24);
    blocks.push_back({"blocks_" + std::string(name(dtype)), dtype, TransformId::Blocks, {}, raw});
  }
  const auto float8 = [](std::size_t n) {
    testing::Random random(5);
    Bytes bytes(n);
    for (auto& byte : bytes) {
      const auto magnitude = 60 - 5 * std::abs(random.normal());
      byte = static_cast<std::byte>(static_cast<int>(magnitude) | static_cast<int>(random.below(2)) << 7);
    }
    return bytes;
  };
  std::vector<Golden> all{
      {"raw_empty", DType::Bytes, TransformId::Raw, {}, {}},
      {"raw_stored_text", DType::Bytes, TransformId::Raw, {}, kind("text", DType::Bytes, 40)},
      {"raw_zstd_text", DType::Bytes, TransformId::Raw, {}, kind("text", DType::Bytes, 900)},
      {"raw_constant", DType::U8, TransformId::Raw, {}, Bytes(500, std::byte{7})},
      {"raw_rans", DType::U8, TransformId::Raw, {}, three_values(20001)},
      {"raw_rans_escapes", DType::U8, TransformId::Raw, {}, sparse(70001)},
      {"window_f8_e4m3", DType::F8E4M3, TransformId::Window, {}, float8(20001)},
      {"window_bf16", DType::BF16, TransformId::Window, {.level = Level::Max}, normal(DType::BF16, 60001)},
      {"window_f32_upcast", DType::F32, TransformId::Window, lossless, kind("up-cast bf16", DType::F32, 20001)},
      {"planes_bf16_rans", DType::BF16, TransformId::Planes, lossless, normal(DType::BF16, 5000)},
      {"planes_f32", DType::F32, TransformId::Planes, lossless, normal(DType::F32, 500)},
      {"planes_bf16", DType::BF16, TransformId::Planes, lossless, normal(DType::BF16, 900)},
      {"planes_f16", DType::F16, TransformId::Planes, lossless, normal(DType::F16, 900)},
      {"planes_f64", DType::F64, TransformId::Planes, lossless, normal(DType::F64, 300)},
      {"raw_context", DType::U8, TransformId::Raw, {.level = Level::Max}, columns(70001)},
      {"planes_f16_context", DType::F16, TransformId::Planes, {.level = Level::Max}, normal(DType::F16, 5000)},
      {"planes_f64_context", DType::F64, TransformId::Planes, max, kind("up-cast bf16", DType::F64, 1500)},
      {"elf_f32_context", DType::F32, TransformId::Elf, {.level = Level::Max}, normal(DType::F32, 3000)},
      {"planes_i32", DType::I32, TransformId::Planes, {}, kind("normal weights", DType::I32, 600)},
      {"elf_f32", DType::F32, TransformId::Elf, {}, normal(DType::F32, 500)},
      {"elf_f32_outliers", DType::F32, TransformId::Elf, no_guard, kind("infinities", DType::F32, 300)},
      {"elf_f32_bound_1e-5", DType::F32, TransformId::Elf, coarse, normal(DType::F32, 500)},
      {"elf_f16", DType::F16, TransformId::Elf, no_guard, normal(DType::F16, 900)},
      {"elf_f64", DType::F64, TransformId::Elf, no_guard, normal(DType::F64, 300)},
      {"de_f32", DType::F32, TransformId::De, only_de, kind("few distinct values", DType::F32, 500)},
      {"de_f64", DType::F64, TransformId::De, only_de, kind("few distinct values", DType::F64, 500)},
      {"palette_f32_9_values", DType::F32, TransformId::Palette, lossless,
       kind("few distinct values", DType::F32, 900)},
      {"palette_bf16_3_values", DType::BF16, TransformId::Palette, lossless, few(DType::BF16, 901, 3)},
      {"palette_f64_2_values", DType::F64, TransformId::Palette, lossless, few(DType::F64, 903, 2)},
      {"palette_i64_200_values", DType::I64, TransformId::Palette, {}, few(DType::I64, 2000, 200)},
      {"int_delta_u16", DType::U16, TransformId::IntDelta, {}, kind("rising", DType::U16, 900)},
      {"int_delta_i32", DType::I32, TransformId::IntDelta, {}, kind("rising", DType::I32, 600)},
      {"int_delta_i64", DType::I64, TransformId::IntDelta, {}, kind("rising", DType::I64, 300)},
  };
  const auto add_difference = [&](const std::string& name, DType dtype, TransformId transform,
                                  const EncodeOptions& options, std::size_t n, double noise, std::size_t n_of_base) {
    auto family = testing::fine_tune(dtype, n, noise);
    family.base.resize(n_of_base * size_bytes(dtype));
    all.push_back({name, dtype, transform, options, family.own, family.base});
  };
  add_difference("delta_bf16", DType::BF16, TransformId::Delta, {}, 20001, 0.05, 20001);
  add_difference("delta_f32", DType::F32, TransformId::Delta, lossless, 6001, 0.01, 6001);
  add_difference("delta_f32_short_base", DType::F32, TransformId::Delta, lossless, 1500, 0.001, 1100);
  add_difference("delta_f64", DType::F64, TransformId::Delta, lossless, 500, 0.01, 500);
  add_difference("delta_f8_e4m3", DType::F8E4M3, TransformId::Delta, {}, 2000, 0.01, 2000);
  add_difference("delta_i32", DType::I32, TransformId::Delta, {}, 700, 0.01, 700);
  add_difference("elf_delta_f32", DType::F32, TransformId::ElfDelta, {}, 1501, 0.01, 1501);
  add_difference("elf_delta_f32_short_base", DType::F32, TransformId::ElfDelta, coarse, 1500, 0.01, 1100);
  add_difference("elf_delta_f16", DType::F16, TransformId::ElfDelta, no_guard, 900, 0.1, 900);
  add_difference("elf_delta_f64", DType::F64, TransformId::ElfDelta, no_guard, 300, 0.01, 300);
  auto flipped = testing::fine_tune(DType::F32, 900, 0);
  for (std::size_t at = 3; at < flipped.own.size(); at += 12) flipped.own[at] ^= std::byte{0x80};
  all.push_back({"delta_f32_xor", DType::F32, TransformId::Delta, lossless, flipped.own, flipped.base});
  all.insert(all.end(), blocks.begin(), blocks.end());
  return all;
}

TEST(GoldenChunks, are_written_where_they_are_new) {
  if (!std::getenv("ELVES_WRITE_GOLDEN")) GTEST_SKIP() << "set ELVES_WRITE_GOLDEN=1 to add golden files";
  Encoder encoder;
  for (const Golden& golden : all()) {
    if (std::filesystem::exists(folder() / (golden.name + ".chunk.bin"))) continue;
    Bytes encoded;
    const auto stats = encoder.encode(golden.raw, golden.dtype, golden.options, encoded, {golden.base});
    ASSERT_EQ(stats.transform, golden.transform) << golden.name << " became " << name(stats.transform);
    write_new(golden.name + ".chunk.bin", encoded);
    write_new(golden.name + ".decoded.bin", encoder.decoded());
    if (!golden.base.empty()) write_new(golden.name + ".base.bin", golden.base);
  }
}

TEST(GoldenChunks, decode_to_what_they_always_did) {
  for (const Golden& golden : all()) {
    SCOPED_TRACE(golden.name);
    ASSERT_TRUE(std::filesystem::exists(folder() / (golden.name + ".chunk.bin")));
    const Bytes encoded = read(golden.name + ".chunk.bin");
    const Bytes expected = read(golden.name + ".decoded.bin");
    ASSERT_FALSE(encoded.empty());
    EXPECT_EQ(static_cast<TransformId>(encoded[0]), golden.transform);
    Bytes back(expected.size());
    const Bytes base = golden.base.empty() ? Bytes() : read(golden.name + ".base.bin");
    const auto decoded = Decoder().decode(encoded, golden.dtype, back, base);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    EXPECT_EQ(back, expected);
  }
}

}  // namespace
}  // namespace elves
