#include "formats/shared/sniffer/sniffer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "formats/registry.hpp"
#include "formats/shared/sniffer/survey.hpp"
#include "unit/formats/parsed.hpp"
#include "unit/formats/partition.hpp"

namespace elves::formats {
namespace {

using Bytes = std::vector<std::byte>;
using Random = std::mt19937_64;

template <class T>
void put(Bytes& to, T value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes text(std::string_view once, int times = 1) {
  Bytes bytes;
  const auto part = std::as_bytes(std::span(once));
  for (int i = 0; i < times; ++i) bytes.insert(bytes.end(), part.begin(), part.end());
  return bytes;
}

/// `n` numbers, one after the other.
template <class T>
Bytes numbers(std::size_t n, const std::function<T(std::size_t)>& number) {
  Bytes bytes;
  bytes.reserve(n * sizeof(T));
  for (std::size_t i = 0; i < n; ++i) put(bytes, number(i));
  return bytes;
}

double uniform(Random& random) {
  return static_cast<double>(random() >> 11) * 0x1p-53;
}
double normal(Random& random) {
  return std::sqrt(-2 * std::log(1 - uniform(random))) * std::cos(6.283185307179586 * uniform(random));
}

std::uint16_t float16_from(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000);
  const float magnitude = std::fabs(value);
  if (magnitude < 0x1p-14f) return static_cast<std::uint16_t>(sign | std::lround(magnitude * 0x1p24f));
  return static_cast<std::uint16_t>(sign | (((bits & 0x7FFFFFFF) - (112u << 23) + 0x1000) >> 13));
}

void put_float(Bytes& to, DType dtype, double value) {
  const auto f32 = static_cast<float>(value);
  if (dtype == DType::F64) put(to, value);
  if (dtype == DType::F32) put(to, f32);
  if (dtype == DType::BF16) put(to, static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(f32) >> 16));
  if (dtype == DType::F16) put(to, float16_from(f32));
}

constexpr std::array kTypes{DType::F32, DType::F16, DType::BF16, DType::F64};

Bytes floats(DType dtype, std::size_t n, const std::function<double(std::size_t)>& number) {
  Bytes bytes;
  for (std::size_t i = 0; i < n; ++i) put_float(bytes, dtype, number(i));
  return bytes;
}

Bytes weights(DType dtype, std::size_t n, double scale, std::uint64_t seed) {
  Random random(seed);
  return floats(dtype, n, [&](std::size_t) { return normal(random) * scale; });
}

Bytes random_bytes(std::size_t n, std::uint64_t seed) {
  Random random(seed);
  return numbers<std::uint8_t>(n, [&](std::size_t) { return static_cast<std::uint8_t>(random()); });
}

std::vector<Extent> layers_of(const Bytes& file) {
  auto layers = parse(file).extents;
  std::erase_if(layers, [](const Extent& extent) { return !extent.is_layer; });
  return layers;
}

/// "f32@20+4000 f16@4100+800": offsets and bytes of the layers.
std::string shown(const std::vector<Extent>& layers) {
  std::string out;
  for (const auto& layer : layers) {
    out += (out.empty() ? "" : " ") + std::string(name(layer.dtype)) + "@" + std::to_string(layer.offset_bytes) + "+" +
           std::to_string(layer.length_bytes);
  }
  return out;
}

/// Expects exactly one layer, of this type, in [begin, end) or a few elements shorter.
void expect_one_run(const Bytes& file, DType dtype, std::uint64_t begin, std::uint64_t end, const std::string& what) {
  constexpr std::uint64_t kSlackBytes = 64;
  const auto layers = layers_of(file);
  ASSERT_EQ(layers.size(), 1u) << what << ": " << shown(layers);
  EXPECT_EQ(layers[0].dtype, dtype) << what << ": " << shown(layers);
  EXPECT_GE(layers[0].offset_bytes, begin) << what;
  EXPECT_LE(layers[0].offset_bytes, begin + kSlackBytes) << what;
  EXPECT_LE(layers[0].offset_bytes + layers[0].length_bytes, end) << what;
  EXPECT_GE(layers[0].offset_bytes + layers[0].length_bytes + kSlackBytes, end) << what;
}

TEST(Sniffer, finds_weights_of_every_type_and_scale_at_any_offset) {
  std::uint64_t seed = 1;
  for (const auto dtype : kTypes) {
    for (const double scale : {0.001, 0.02, 0.1, 1.0}) {
      for (std::size_t phase = 0; phase < size_bytes(dtype); ++phase) {
        const auto file = Bytes(phase, std::byte{7}) + weights(dtype, 6000, scale, seed++);
        const auto what = std::string(name(dtype)) + " scale " + std::to_string(scale) + " at " + std::to_string(phase);
        expect_one_run(file, dtype, phase, file.size(), what);
      }
    }
  }
}

TEST(Sniffer, a_run_is_a_lossless_layer_of_one_dimension) {
  const auto file = text("a header of 27 bytes, and: ") + weights(DType::F32, 5000, 0.05, 2);
  const auto parsed = parse(file);
  EXPECT_EQ(parsed.format, FormatId::Sniffed);
  EXPECT_EQ(name(parsed.format), "sniffed");
  EXPECT_EQ(parsed.opaque_bytes, 0u);
  ASSERT_EQ(parsed.extents.size(), 2u);
  EXPECT_FALSE(parsed.extents[0].is_layer);
  const auto& layer = parsed.extents[1];
  EXPECT_EQ(layer.offset_bytes, 27u);
  EXPECT_EQ(layer.name, "f32@27");
  EXPECT_EQ(layer.shape, std::vector<std::uint64_t>{5000});
  EXPECT_TRUE(layer.lossless);
}

TEST(Sniffer, the_header_of_darknet_is_left_out) {
  Bytes file;
  for (const std::int32_t word : {0, 2, 5, 32013312, 0}) put(file, word);
  file = file + weights(DType::F32, 40'000, 0.03, 3);
  EXPECT_EQ(shown(layers_of(file)), "f32@20+160000");
}

TEST(Sniffer, tags_between_arrays_do_not_split_a_run) {
  Bytes file;
  for (std::uint64_t i = 0; i < 10; ++i) {  // as ncnn stores float16
    put(file, std::uint32_t{0x01306B47});
    file = file + weights(DType::F16, 3000, 0.04, 10 + i) + weights(DType::F32, 16, 0.1, 30 + i);
  }
  const auto layers = layers_of(file);
  ASSERT_EQ(layers.size(), 1u) << shown(layers);
  EXPECT_EQ(layers[0].dtype, DType::F16);
  EXPECT_GT(layers[0].length_bytes, file.size() - 128);
}

TEST(Sniffer, unaligned_arrays_are_runs_of_their_own) {
  Bytes file;
  for (std::uint64_t i = 0; i < 12; ++i) {  // as in protocol buffers
    file = file + text("\x0A\x15 the/name/of/a/blob \x2A") + Bytes(2, std::byte{0x80});
    file = file + weights(DType::F32, 2000 + 100 * i, 0.05, 50 + i);
  }
  const auto layers = layers_of(file);
  EXPECT_EQ(layers.size(), 12u) << shown(layers);
  std::uint64_t found = 0;
  for (const auto& layer : layers) found += layer.dtype == DType::F32 ? layer.length_bytes : 0;
  EXPECT_GT(found, file.size() - 12 * 64);
}

TEST(Sniffer, the_border_between_two_types_is_found) {
  for (const auto first : kTypes) {
    for (const auto second : kTypes) {
      if (first == second) continue;
      const auto a = weights(first, 8000, 0.04, 70);
      const auto layers = layers_of(a + weights(second, 8000, 0.04, 71));
      ASSERT_EQ(layers.size(), 2u) << shown(layers);
      EXPECT_EQ(layers[0].dtype, first) << shown(layers);
      EXPECT_EQ(layers[1].dtype, second) << shown(layers);
      EXPECT_LT(std::abs(static_cast<double>(layers[1].offset_bytes) - static_cast<double>(a.size())), 520)
          << shown(layers);
    }
  }
}

TEST(Sniffer, zeros_and_constants_join_the_floats_around_them) {
  for (const auto dtype : kTypes) {
    const auto ones = floats(dtype, 10'000, [](std::size_t) { return 1.0; });
    const auto steps = floats(dtype, 40'000, [](std::size_t i) { return 1.0 + static_cast<double>(i / 2000) / 32; });
    const auto file = weights(dtype, 9000, 0.05, 4) + Bytes(40'000) + ones + steps + weights(dtype, 9000, 0.05, 5);
    expect_one_run(file, dtype, 0, file.size(), std::string(name(dtype)));
  }
}

TEST(Sniffer, sparse_activations_are_found) {
  for (const double sparsity : {0.5, 0.9, 0.95}) {
    Random random(6);
    const auto file = floats(DType::F32, 60'000, [&](std::size_t) {
      const double value = std::fabs(normal(random));
      return uniform(random) < sparsity ? 0 : value;
    });
    const auto layers = layers_of(file);
    ASSERT_EQ(layers.size(), 1u) << sparsity << " " << shown(layers);
    EXPECT_EQ(layers[0].dtype, DType::F32);
    EXPECT_GT(layers[0].length_bytes, file.size() - 512);
  }
}

TEST(Sniffer, squares_of_gradients_are_found) {
  Random random(7);
  const auto file = floats(DType::F32, 30'000, [&](std::size_t) { return std::pow(normal(random) * 1e-4, 2); });
  expect_one_run(file, DType::F32, 0, file.size(), "positive, around 2^-27");
}

TEST(Sniffer, tiny_weights_are_found) {
  Random random(8);
  const auto file = floats(DType::F16, 30'000, [&](std::size_t) {
    return uniform(random) < 0.7 ? normal(random) * 1e-7 : normal(random) * 0.02;
  });
  const auto layers = layers_of(file);
  ASSERT_EQ(layers.size(), 1u) << shown(layers);
  EXPECT_EQ(layers[0].dtype, DType::F16);
  EXPECT_GT(layers[0].length_bytes, file.size() - 512);
}

/// Values between -1 and 1 that rise and fall slowly, like sound and pictures.
double wave(std::size_t i) {
  const auto x = static_cast<double>(i);
  return 0.6 * std::sin(x / 91) + 0.3 * std::sin(x / 13.7) + 0.1 * std::sin(x / 3.1);
}

std::vector<std::pair<std::string, Bytes>> files_without_floats() {
  constexpr std::size_t kBytes = 96 << 10;
  Random random(9);
  const auto below = [&](std::uint64_t n) { return random() % n; };
  /// A word of a language with `n` words: the k-th word occurs 1 / k times as often as the first.
  const auto word = [&](double n) { return std::exp(uniform(random) * std::log(n)) - 1; };
  std::vector<std::pair<std::string, Bytes>> files;
  const auto add = [&](const std::string& what, Bytes bytes) { files.emplace_back(what, std::move(bytes)); };

  add("random", random_bytes(kBytes, 10));
  add("zeros", Bytes(kBytes));
  add("float32 NaNs", numbers<float>(kBytes / 4, [](std::size_t) { return std::nanf(""); }));
  add("float32 ones", numbers<float>(kBytes / 4, [](std::size_t) { return 1.0f; }));
  add("float32 denormals",
      numbers<std::uint32_t>(kBytes / 4, [&](std::size_t) { return static_cast<std::uint32_t>(below(1 << 23)); }));
  for (const std::uint64_t n : {300ull, 50'257ull, 1ull << 20, 1ull << 30}) {
    add("int32 below " + std::to_string(n),
        numbers<std::uint32_t>(kBytes / 4, [&](std::size_t) { return static_cast<std::uint32_t>(below(n)); }));
    add("int64 below " + std::to_string(n), numbers<std::uint64_t>(kBytes / 8, [&](std::size_t) { return below(n); }));
    add("int32 around 0, up to " + std::to_string(n), numbers<std::int32_t>(kBytes / 4, [&](std::size_t) {
          return static_cast<std::int32_t>(normal(random) * static_cast<double>(n) / 4);
        }));
  }
  for (const double n : {128.0, 1024.0, 32'000.0, 50'257.0, 65'000.0}) {
    add("uint16 tokens of " + std::to_string(n),
        numbers<std::uint16_t>(kBytes / 2, [&](std::size_t) { return static_cast<std::uint16_t>(word(n)); }));
    add("uint16 evenly below " + std::to_string(n), numbers<std::uint16_t>(kBytes / 2, [&](std::size_t) {
          return static_cast<std::uint16_t>(uniform(random) * n);
        }));
  }
  for (const std::uint32_t start : {0u, 1'000'000u, 0x3D000000u, 0x3E0000u}) {
    for (const std::uint64_t step : {8u, 800u, 80'000u}) {
      std::uint32_t at = start;
      add("offsets from " + std::to_string(start) + " by " + std::to_string(step),
          numbers<std::uint32_t>(kBytes / 4,
                                 [&](std::size_t) { return at += static_cast<std::uint32_t>(below(step)); }));
    }
  }
  for (const double deviation : {3.0, 10.0, 25.0, 60.0}) {
    for (const double zero : {0.0, 48.0, 60.0, 100.0, 128.0, 190.0}) {
      add("quantized to bytes around " + std::to_string(zero) + ", " + std::to_string(deviation),
          numbers<std::uint8_t>(kBytes, [&](std::size_t) {
            return static_cast<std::uint8_t>(static_cast<int>(std::lround(normal(random) * deviation + zero)));
          }));
    }
  }
  for (const double loudness : {50.0, 3000.0, 30'000.0}) {
    add("sound of 16 bits, " + std::to_string(loudness), numbers<std::int16_t>(kBytes / 2, [&](std::size_t i) {
          return static_cast<std::int16_t>(wave(i) * loudness + normal(random) * 4);
        }));
  }
  for (const double light : {40.0, 62.0, 120.0, 190.0}) {
    const auto grey = [&](std::size_t i) { return light + 20 * wave(i) + 2 * normal(random); };
    add("picture of 8 bits, " + std::to_string(light),
        numbers<std::uint8_t>(kBytes, [&](std::size_t i) { return static_cast<std::uint8_t>(grey(i / 3)); }));
    add("picture of 8 bits with opacity, " + std::to_string(light), numbers<std::uint8_t>(kBytes, [&](std::size_t i) {
          return static_cast<std::uint8_t>(i % 4 == 3 ? 255 : grey(i / 4));
        }));
    add("picture of 16 bits, " + std::to_string(light),
        numbers<std::uint16_t>(kBytes / 2, [&](std::size_t i) { return static_cast<std::uint16_t>(256 * grey(i)); }));
  }
  return files;
}

TEST(Sniffer, other_data_is_not_taken_for_floats) {
  for (const auto& [what, file] : files_without_floats()) {
    const auto parsed = parse(file);
    EXPECT_EQ(parsed.format, FormatId::Plain) << what << ": " << shown(layers_of(file));
    EXPECT_EQ(parsed.opaque_bytes, file.size()) << what;
    EXPECT_TRUE(parsed.opaque_reason == "no runs of floats found" || parsed.opaque_reason == "text") << what;
  }
}

TEST(Sniffer, text_is_called_text) {
  Random random(11);
  std::string table;
  std::string hex;
  while (table.size() < (80 << 10)) table += std::to_string(normal(random)) + (random() % 8 != 0 ? "," : "\n");
  while (hex.size() < (80 << 10)) hex += "0123456789ABCDEF"[random() % 16];
  for (const auto& content :
       {text("for (int i = 0; i < n; ++i) sum += values[i];\n", 2000), text(table), text(hex),
        text("{\"a\": [1.25, -3.5e-3, \"x\"], \"k\": 17}\n", 2000), text("grüße 模型\t\r\n", 5000)}) {
    const auto parsed = parse(content);
    EXPECT_EQ(parsed.format, FormatId::Plain);
    EXPECT_EQ(parsed.opaque_reason, "text");
  }
  auto binary = text("all text but for one byte in the middle ", 2000);
  binary[binary.size() / 2 + 100] = std::byte{0};
  EXPECT_EQ(parse(binary).opaque_reason, "no runs of floats found");
}

TEST(Sniffer, known_content_is_named_and_not_searched) {
  using namespace std::string_view_literals;
  const std::vector<std::pair<std::string_view, std::string>> starts{
      {"\x1F\x8B\x08\0"sv, "gzip data"},
      {"PK\x03\x04\x14"sv, "zip archive"},
      {"\xFD\x37zXZ\0"sv, "xz data"},
      {"\x28\xB5\x2F\xFD"sv, "zstd data"},
      {"BZh9\x31\x41"sv, "bzip2 data"},
      {"7z\xBC\xAF\x27\x1C"sv, "7z archive"},
      {"\x89PNG\r\n\x1A\n"sv, "PNG image"},
      {"\xFF\xD8\xFF\xE0"sv, "JPEG image"},
      {"RIFF\x24\x10\0\0WAVEfmt "sv, "WAV audio"},
      {"\0\0\0\x20"
       "ftypisom"sv,
       "MP4 media"},
      {"%PDF-1.7\n"sv, "PDF document"},
      {"\x7F"
       "ELF\x02\x01"sv,
       "ELF program"},
      {"SQLite format 3\0"sv, "SQLite database"},
  };
  const auto floats = weights(DType::F32, 20'000, 0.05, 12);
  ASSERT_EQ(layers_of(floats).size(), 1u);
  for (const auto& [start, content] : starts) {
    const auto parsed = parse(text(start) + floats);
    EXPECT_EQ(parsed.format, FormatId::Plain) << content;
    EXPECT_EQ(parsed.opaque_reason, content);
  }
  EXPECT_EQ(parse(Bytes(257) +
                  text("ustar\0"
                       "00"sv) +
                  floats)
                .opaque_reason,
            "tar archive");
  auto program = text("MZ") + Bytes(58);
  put(program, std::uint32_t{64});
  EXPECT_EQ(layers_of(program + floats).size(), 1u) << "two letters are no program";
  EXPECT_EQ(parse(program + text("PE\0\0"sv) + floats).opaque_reason, "Windows program");
}

TEST(Sniffer, a_small_file_without_layers_has_no_reason) {
  constexpr std::size_t kLimit = 64 << 10;
  for (const auto& file :
       {text("word ", 100), random_bytes(kLimit - 1, 13), text("PK\x03\x04") + random_bytes(1000, 14)}) {
    const auto parsed = parse(file);
    EXPECT_EQ(parsed.opaque_reason, "");
    EXPECT_EQ(parsed.opaque_bytes, file.size());
  }
  EXPECT_EQ(parse(random_bytes(kLimit, 15)).opaque_reason, "no runs of floats found");
}

TEST(Sniffer, files_of_any_small_size_are_partitioned) {
  const auto bytes = weights(DType::F32, 1200, 0.05, 16);
  for (std::size_t n = 0; n < bytes.size(); n += n < 600 ? 1 : 97) {
    const auto parsed = parse(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n)));
    EXPECT_EQ(parsed.format == FormatId::Sniffed, n >= 4096 + 16) << n;
  }
}

TEST(Sniffer, other_bytes_are_opaque_from_a_quarter_of_the_file_on) {
  const auto floats = weights(DType::F32, 20'000, 0.05, 17);
  const auto some = parse(floats + random_bytes(20'000, 18));
  EXPECT_EQ(some.format, FormatId::Sniffed);
  EXPECT_EQ(some.opaque_bytes, 0u);
  const auto much = parse(floats + random_bytes(40'000, 19));
  EXPECT_EQ(much.format, FormatId::Sniffed);
  EXPECT_NEAR(static_cast<double>(much.opaque_bytes), 40'000, 100);
  EXPECT_EQ(much.opaque_reason, "sniffed: " + std::to_string(much.opaque_bytes) + " of 120000 bytes are no floats");
}

/// Counts the bytes that are read of another source.
class CountingSource final : public ByteSource {
 public:
  explicit CountingSource(const ByteSource& inner) : inner_(inner) {}
  std::uint64_t size_bytes() const override { return inner_.size_bytes(); }
  Result<void> read(std::uint64_t offset_bytes, std::span<std::byte> out) const override {
    read_bytes_ += out.size();
    return inner_.read(offset_bytes, out);
  }
  std::uint64_t read_bytes() const { return read_bytes_; }

 private:
  const ByteSource& inner_;
  mutable std::uint64_t read_bytes_ = 0;
};

/// A file that repeats the same bytes.
class RepeatingSource final : public ByteSource {
 public:
  RepeatingSource(Bytes once, std::uint64_t size_bytes) : once_(std::move(once)), size_bytes_(size_bytes) {}
  std::uint64_t size_bytes() const override { return size_bytes_; }
  Result<void> read(std::uint64_t offset_bytes, std::span<std::byte> out) const override {
    if (offset_bytes + out.size() > size_bytes_) return Error{"past the end"};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = once_[(offset_bytes + i) % once_.size()];
    return {};
  }

 private:
  Bytes once_;
  std::uint64_t size_bytes_;
};

TEST(Sniffer, sampling_finds_the_same_runs_as_reading_everything) {
  const auto file =
      text("header ", 143) + weights(DType::F32, 300'001, 0.03, 20) + weights(DType::F16, 500'000, 0.04, 21) +
      text("{\"k\": [1, 2, 3]}", 20'000) + weights(DType::BF16, 400'000, 0.05, 22) + random_bytes(300'000, 23) +
      weights(DType::F32, 100'003, 0.5, 24) + Bytes(300'000) + weights(DType::F32, 50'000, 0.02, 25) + text("end");
  ASSERT_LT(file.size(), sniffer::SurveyLimits().whole_bytes + (2 << 20));
  const MemorySource memory(file);
  const CountingSource source(memory);

  const auto whole = sniffer::survey(memory, {.whole_bytes = file.size()});
  const auto sampled = sniffer::survey(source, {.whole_bytes = 0, .step_bytes = 32 << 10});

  ASSERT_TRUE(whole && sampled);
  ASSERT_EQ(whole->size(), 4u);
  ASSERT_EQ(sampled->size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ((*sampled)[i].kind, (*whole)[i].kind) << i;
    EXPECT_NEAR(static_cast<double>((*sampled)[i].begin_bytes), static_cast<double>((*whole)[i].begin_bytes), 1100)
        << i;
    EXPECT_NEAR(static_cast<double>((*sampled)[i].end_bytes), static_cast<double>((*whole)[i].end_bytes), 1100) << i;
  }
  EXPECT_LT(source.read_bytes(), file.size() / 4);
}

TEST(Sniffer, the_bytes_read_of_a_huge_file_are_limited) {
  constexpr std::uint64_t kHuge = std::uint64_t{1} << 50;
  const RepeatingSource floats(weights(DType::F32, 1 << 16, 0.05, 26), kHuge);
  const CountingSource source(floats);
  const auto layout = sniff(source);
  ASSERT_TRUE(layout);
  ASSERT_EQ(layout->extents.size(), 1u);
  EXPECT_EQ(layout->extents[0].length_bytes, kHuge);
  EXPECT_LT(source.read_bytes(), 33u << 20);
}

TEST(Sniffer, the_bytes_read_of_a_file_with_many_borders_are_limited) {
  const auto changing = weights(DType::F32, 3001, 0.05, 27) + random_bytes(5000, 28) +
                        weights(DType::F16, 5003, 0.1, 29) + text("abc ", 1777);
  const RepeatingSource repeated(changing, 64 << 20);
  const CountingSource source(repeated);
  const auto runs = sniffer::survey(source, {.whole_bytes = 0, .most_samples = 128, .borders_bytes = 1 << 20});
  ASSERT_TRUE(runs);
  EXPECT_FALSE(runs->empty());
  EXPECT_LT(source.read_bytes(), (130 * 4096) + (1 << 20) + (2 << 20));
}

/// A file whose disk fails.
class FailingSource final : public ByteSource {
 public:
  std::uint64_t size_bytes() const override { return 10 << 20; }
  Result<void> read(std::uint64_t /*offset_bytes*/, std::span<std::byte> /*out*/) const override {
    return Error{"Input/output error"};
  }
};

TEST(Sniffer, a_file_that_cannot_be_read_is_glue_with_the_error_as_reason) {
  const auto parsed = parse_file(FailingSource());
  EXPECT_EQ(partition_flaw(parsed, 10 << 20), "");
  EXPECT_EQ(parsed.format, FormatId::Plain);
  EXPECT_EQ(parsed.opaque_reason, "sniffed: Input/output error");
}

}  // namespace
}  // namespace elves::formats
