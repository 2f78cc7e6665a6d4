// Golden chunks: encoded chunks that must always decode to the same bytes. tests/golden/chunks/README.md describes the
// files. ELVES_WRITE_GOLDEN=1 writes those that are missing; it never replaces a file.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "chunk_data.hpp"
#include "encode/registry.hpp"

namespace elves {
namespace {

using testing::Bytes;

/// What a golden file is made of, if it has to be written.
struct Golden {
  std::string name;
  DType dtype;
  TransformId transform;
  EncodeOptions options;
  Bytes raw;
  Bytes base = {};
};

/// The content of a golden file.
struct Stored {
  std::string dtype;
  Bytes chunk;
  Bytes decoded;
  Bytes base;
};

std::filesystem::path path_of(const std::string& name) {
  return std::filesystem::path(ELVES_GOLDEN_DIR) / "chunks" / (name + ".golden");
}

Stored read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string line;
  std::getline(in, line);
  std::istringstream head(line);
  Stored stored;
  std::size_t n_chunk = 0, n_decoded = 0, n_base = 0;
  head >> stored.dtype >> n_chunk >> n_decoded >> n_base;
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_TRUE(head && text.size() == n_chunk + n_decoded + n_base) << path;
  auto part = [&, at = std::size_t{0}](std::size_t n) mutable {
    const auto bytes = std::as_bytes(std::span(text)).subspan(at, n);
    at += n;
    return Bytes(bytes.begin(), bytes.end());
  };
  stored.chunk = part(n_chunk);
  stored.decoded = part(n_decoded);
  stored.base = part(n_base);
  return stored;
}

void write(const std::filesystem::path& path, const Stored& stored) {
  std::ofstream out(path, std::ios::binary);
  out << stored.dtype << ' ' << stored.chunk.size() << ' ' << stored.decoded.size() << ' ' << stored.base.size()
      << '\n';
  for (const auto* bytes : {&stored.chunk, &stored.decoded, &stored.base}) {
    out.write(reinterpret_cast<const char*>(bytes->data()), static_cast<std::streamsize>(bytes->size()));
  }
  ASSERT_TRUE(out.flush()) << path;
}

Bytes generate(std::size_t n, std::uint64_t seed,
               const std::function<std::size_t(testing::Random&, std::size_t)>& next) {
  testing::Random random(seed);
  Bytes bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>(next(random, i));
  return bytes;
}

Bytes kind(const std::string& name, DType dtype, std::size_t n) {
  for (const auto& row : testing::kinds()) {
    if (row.name == name) return row.make(dtype, n);
  }
  throw std::logic_error("no kind of data " + name);
}

/// A delta: a fine-tune, and the first `n_of_base` elements of its base.
Golden delta(const std::string& name, DType dtype, TransformId transform, const EncodeOptions& options, std::size_t n,
             double noise, std::size_t n_of_base) {
  auto family = testing::fine_tune(dtype, n, noise);
  family.base.resize(n_of_base * size_bytes(dtype));
  return {name, dtype, transform, options, family.own, family.base};
}

Golden delta_of_flipped_signs() {
  auto family = testing::fine_tune(DType::F32, 900, 0);
  for (std::size_t at = 3; at < family.own.size(); at += 12) family.own[at] ^= std::byte{0x80};
  return {"delta_f32_xor", DType::F32, TransformId::Delta, {.lossless = true}, family.own, family.base};
}

/// At least one for each transform, kind of stream and size of word.
std::vector<Golden> all() {
  const EncodeOptions lossless{.lossless = true};
  const EncodeOptions max{.lossless = true, .level = Level::Max};
  const EncodeOptions no_guard{.min_snr_db = 0};
  const EncodeOptions coarse{.error_bound = 1e-5, .min_snr_db = 0};
  const EncodeOptions only_de{.lossless = true, .use_palette = false, .use_planes = false, .use_entropy_coding = false};
  const auto normal = [](DType dtype, std::size_t n) { return testing::normal_weights(dtype, n, 0.02, 42); };
  const auto few = [](DType dtype, std::size_t n, std::size_t n_values) {
    return testing::few_values(dtype, n, n_values, 9);
  };
  const auto three_values = generate(9001, 4, [](auto& random, std::size_t) { return 5 * random.below(3); });
  const auto sparse = generate(20001, 3, [](auto& random, std::size_t) -> std::size_t {
    return random.below(30) == 0 ? random.below(256) & random.below(256) : 0;
  });
  const auto columns =
      generate(1001, 6, [](auto& random, std::size_t i) { return i % 37 * 61 % 200 + random.below(8); });
  const auto float8 = testing::normal_weights(DType::F8E4M3, 9001, 0.02, 5);
  return {
      {"raw_stored", DType::Bytes, TransformId::Raw, {}, kind("text", DType::Bytes, 40)},
      {"raw_zstd", DType::Bytes, TransformId::Raw, {}, kind("text", DType::Bytes, 900)},
      {"raw_constant", DType::U8, TransformId::Raw, {}, Bytes(500, std::byte{7})},
      {"raw_rans", DType::U8, TransformId::Raw, {}, three_values},
      {"raw_rans_escapes", DType::U8, TransformId::Raw, {}, sparse},
      {"raw_context", DType::U8, TransformId::Raw, {.level = Level::Max}, columns},
      {"planes_bf16_huffman", DType::BF16, TransformId::Planes, lossless, normal(DType::BF16, 900)},
      {"planes_f16_context", DType::F16, TransformId::Planes, {.level = Level::Max}, normal(DType::F16, 400)},
      {"planes_f32", DType::F32, TransformId::Planes, lossless, normal(DType::F32, 500)},
      {"planes_f64_context", DType::F64, TransformId::Planes, max, kind("up-cast bf16", DType::F64, 100)},
      {"planes_i32", DType::I32, TransformId::Planes, {}, kind("wide weights", DType::I32, 900)},
      {"elf_f16", DType::F16, TransformId::Elf, no_guard, normal(DType::F16, 900)},
      {"elf_f32_bound_1e-5", DType::F32, TransformId::Elf, coarse, normal(DType::F32, 500)},
      {"elf_f32_outliers", DType::F32, TransformId::Elf, no_guard, kind("infinities", DType::F32, 300)},
      {"elf_f64", DType::F64, TransformId::Elf, no_guard, normal(DType::F64, 300)},
      {"de_f32", DType::F32, TransformId::De, only_de, kind("few distinct values", DType::F32, 500)},
      {"de_f64", DType::F64, TransformId::De, only_de, kind("few distinct values", DType::F64, 500)},
      {"palette_f64_2_values", DType::F64, TransformId::Palette, lossless, few(DType::F64, 903, 2)},
      {"palette_bf16_3_values", DType::BF16, TransformId::Palette, lossless, few(DType::BF16, 901, 3)},
      {"palette_f32_9_values", DType::F32, TransformId::Palette, lossless, few(DType::F32, 900, 9)},
      {"palette_i64_200_values", DType::I64, TransformId::Palette, {}, few(DType::I64, 2000, 200)},
      {"int_delta_u16", DType::U16, TransformId::IntDelta, {}, kind("rising", DType::U16, 900)},
      {"int_delta_i32", DType::I32, TransformId::IntDelta, {}, kind("rising", DType::I32, 600)},
      {"int_delta_i64", DType::I64, TransformId::IntDelta, {}, kind("rising", DType::I64, 300)},
      {"window_f8_e4m3", DType::F8E4M3, TransformId::Window, {}, float8},
      {"window_bf16", DType::BF16, TransformId::Window, {.level = Level::Max}, normal(DType::BF16, 601)},
      {"window_f32_upcast", DType::F32, TransformId::Window, lossless, kind("up-cast bf16", DType::F32, 5001)},
      delta("delta_f8_e4m3", DType::F8E4M3, TransformId::Delta, {}, 2000, 0.01, 2000),
      delta("delta_bf16", DType::BF16, TransformId::Delta, {}, 6001, 0.05, 6001),
      delta("delta_f32_short_base", DType::F32, TransformId::Delta, lossless, 1500, 0.001, 1100),
      delta_of_flipped_signs(),
      delta("delta_f64", DType::F64, TransformId::Delta, lossless, 500, 0.01, 500),
      delta("elf_delta_f16", DType::F16, TransformId::ElfDelta, no_guard, 900, 0.1, 900),
      delta("elf_delta_f32_short_base", DType::F32, TransformId::ElfDelta, coarse, 1500, 0.01, 1100),
      delta("elf_delta_f64", DType::F64, TransformId::ElfDelta, no_guard, 300, 0.01, 300),
      {"blocks_q5_0", DType::Q5_0, TransformId::Blocks, {}, testing::quantized_blocks(DType::Q5_0, 100)},
      {"blocks_q6_k", DType::Q6_K, TransformId::Blocks, {}, testing::quantized_blocks(DType::Q6_K, 24)},
  };
}

TEST(GoldenChunks, are_written_if_they_are_missing) {
  if (!std::getenv("ELVES_WRITE_GOLDEN")) GTEST_SKIP() << "set ELVES_WRITE_GOLDEN=1 to add golden files";
  for (const Golden& golden : all()) {
    const auto path = path_of(golden.name);
    if (std::filesystem::exists(path)) continue;
    Encoder encoder;
    Bytes encoded;
    const auto stats = encoder.encode(golden.raw, golden.dtype, golden.options, encoded, {golden.base});
    ASSERT_EQ(stats.transform, golden.transform) << golden.name << " became " << name(stats.transform);
    const auto decoded = encoder.decoded();
    write(path, {std::string(name(golden.dtype)), encoded, Bytes(decoded.begin(), decoded.end()), golden.base});
  }
}

TEST(GoldenChunks, decode_to_the_stored_bytes) {
  for (const Golden& golden : all()) {
    SCOPED_TRACE(golden.name);
    ASSERT_TRUE(std::filesystem::exists(path_of(golden.name)));
    const auto stored = read(path_of(golden.name));
    ASSERT_EQ(stored.dtype, name(golden.dtype));
    ASSERT_FALSE(stored.chunk.empty());
    EXPECT_EQ(static_cast<TransformId>(stored.chunk[0]), golden.transform);
    Bytes back(stored.decoded.size());
    const auto decoded = Decoder().decode(stored.chunk, golden.dtype, back, stored.base);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    EXPECT_EQ(back, stored.decoded);
  }
}

TEST(GoldenChunks, have_a_case_for_each_file_and_each_transform) {
  const auto cases = all();
  for (const auto& file : std::filesystem::directory_iterator(path_of("").parent_path())) {
    if (file.path().extension() != ".golden") continue;
    EXPECT_TRUE(std::ranges::any_of(cases, [&](const Golden& golden) { return golden.name == file.path().stem(); }))
        << file.path();
  }
  for (const auto& row : encode::transforms()) {
    EXPECT_TRUE(std::ranges::any_of(cases, [&](const Golden& golden) { return golden.transform == row.id; }))
        << row.name;
  }
}

}  // namespace
}  // namespace elves
