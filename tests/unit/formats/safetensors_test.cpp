#include "formats/safetensors/safetensors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <random>
#include <string>

#include "support/posix.hpp"
#include "tools/sample_hub/safetensors_writer.hpp"
#include "unit/formats/parsed.hpp"
#include "unit/formats/partition.hpp"

namespace elves::formats {
namespace {

using sample::Bytes;
using sample::file_with_header;
using sample::safetensors_file;
using sample::Tensor;

Bytes random_bytes(std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes bytes(n);
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::byte>(random()); });
  return bytes;
}

Bytes slice(const Bytes& file, const Extent& extent) {
  const auto from = file.begin() + static_cast<std::ptrdiff_t>(extent.offset_bytes);
  return {from, from + static_cast<std::ptrdiff_t>(extent.length_bytes)};
}

constexpr std::string_view kOneLayer = R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";

TEST(Safetensors, reads_every_dtype_of_the_format) {
  const std::map<std::string, DType> dtypes{{"BOOL", DType::Bool},
                                            {"U8", DType::U8},
                                            {"I8", DType::I8},
                                            {"F8_E4M3", DType::F8E4M3},
                                            {"F8_E5M2", DType::F8E5M2},
                                            {"U16", DType::U16},
                                            {"I16", DType::I16},
                                            {"F16", DType::F16},
                                            {"BF16", DType::BF16},
                                            {"U32", DType::U32},
                                            {"I32", DType::I32},
                                            {"F32", DType::F32},
                                            {"U64", DType::U64},
                                            {"I64", DType::I64},
                                            {"F64", DType::F64},
                                            {"C64", DType::C64},
                                            {"F8_E8M0", DType::F8E8M0},
                                            {"F8_E4M3FNUZ", DType::F8E4M3FNUZ},
                                            {"F8_E5M2FNUZ", DType::F8E5M2FNUZ}};
  std::vector<Tensor> tensors;
  for (const auto& [text, dtype] : dtypes) {
    tensors.push_back({"layer." + text, text, {2, 3}, random_bytes(6 * size_bytes(dtype), tensors.size() + 1)});
  }
  const auto file = safetensors_file(tensors);

  const auto parsed = parse(file);

  EXPECT_EQ(parsed.format, FormatId::Safetensors);
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), tensors.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    EXPECT_EQ(layers[i].name, tensors[i].name);
    EXPECT_EQ(layers[i].dtype, dtypes.at(tensors[i].dtype));
    EXPECT_EQ(layers[i].shape, (std::vector<std::uint64_t>{2, 3}));
    EXPECT_EQ(slice(file, layers[i]), tensors[i].data);
  }
}

TEST(Safetensors, the_header_is_glue_and_the_layers_follow) {
  const auto file = safetensors_file({{"a", "F32", {4}, random_bytes(16, 1)}, {"b", "U8", {}, random_bytes(1, 2)}},
                                     {{"format", "pt"}});
  const auto parsed = parse(file);
  ASSERT_EQ(parsed.extents.size(), 3u);
  EXPECT_FALSE(parsed.extents[0].is_layer);
  EXPECT_EQ(parsed.extents[0].length_bytes, file.size() - 17);
  EXPECT_EQ(parsed.extents[1].name, "a");
  EXPECT_EQ(parsed.extents[2].name, "b");
  EXPECT_TRUE(parsed.extents[2].shape.empty());
}

TEST(Safetensors, a_file_without_tensors_is_one_extent_of_glue) {
  for (const std::string header : {"{}", "{ }      ", R"({"__metadata__":{"format":"pt"}})"}) {
    const auto parsed = parse(file_with_header(header, {}));
    EXPECT_EQ(parsed.format, FormatId::Safetensors) << header;
    EXPECT_EQ(parsed.extents.size(), 1u) << header;
  }
}

TEST(Safetensors, metadata_may_be_null_as_MLX_writes_it) {
  const auto file = file_with_header(R"({"__metadata__":null,"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                                     random_bytes(8, 16));
  EXPECT_EQ(layers_of(parse(file)).size(), 1u);
  const auto other = file_with_header(R"({"w":null})", {});
  EXPECT_EQ(parse(other).opaque_reason, "safetensors: layer 'w' is null, not an object");
}

TEST(Safetensors, layers_are_in_the_order_of_their_data) {
  const auto file = file_with_header(R"({"late":{"shape":[8],"data_offsets":[8,16],"dtype":"U8"},
                                         "early":{"data_offsets":[0,8],"dtype":"I64","shape":[1]}})",
                                     random_bytes(16, 3));
  const auto layers = layers_of(parse(file));
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, "early");
  EXPECT_EQ(layers[1].name, "late");
}

TEST(Safetensors, gaps_before_between_and_after_layers_become_glue) {
  const auto file = file_with_header(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[3,7]},
                                         "b":{"dtype":"U8","shape":[2],"data_offsets":[10,12]}})",
                                     random_bytes(20, 4));
  const auto parsed = parse(file);
  ASSERT_EQ(parsed.extents.size(), 5u);
  EXPECT_EQ(parsed.extents[0].length_bytes, file.size() - 17);
  EXPECT_TRUE(parsed.extents[1].is_layer);
  EXPECT_EQ(parsed.extents[2].length_bytes, 3u);
  EXPECT_TRUE(parsed.extents[3].is_layer);
  EXPECT_EQ(parsed.extents[4].length_bytes, 8u);
}

TEST(Safetensors, arrays_without_elements_keep_their_names_and_shapes) {
  const auto file = safetensors_file({{"first", "F32", {0}, {}},
                                      {"full", "F32", {1}, random_bytes(4, 5)},
                                      {"between", "BF16", {3, 0, 7}, {}},
                                      {"more", "F32", {1}, random_bytes(4, 6)},
                                      {"last", "I64", {0, 0}, {}}});
  const auto layers = layers_of(parse(file));
  ASSERT_EQ(layers.size(), 5u);
  EXPECT_EQ(layers[0].name, "first");
  EXPECT_EQ(layers[2].name, "between");
  EXPECT_EQ(layers[2].shape, (std::vector<std::uint64_t>{3, 0, 7}));
  EXPECT_EQ(layers[2].length_bytes, 0u);
  EXPECT_EQ(layers[4].name, "last");
}

TEST(Safetensors, a_tensor_of_an_unknown_dtype_is_glue) {
  const auto file = file_with_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
                                         "q":{"dtype":"F4","shape":[2,8],"data_offsets":[4,12]},
                                         "s":{"dtype":"F6_E3M2","shape":[4],"data_offsets":[12,16]},
                                         "e":{"dtype":"F6_E2M3","shape":[0],"data_offsets":[16,16]},
                                         "z":{"dtype":"F16","shape":[2],"data_offsets":[16,20]}})",
                                     random_bytes(20, 7));
  const auto parsed = parse(file);
  EXPECT_EQ(parsed.opaque_reason, "safetensors: layers of an unknown dtype");
  ASSERT_EQ(parsed.extents.size(), 5u) << "header, a, q alone, s alone, z";
  EXPECT_EQ(parsed.extents[1].name, "a");
  EXPECT_EQ(parsed.extents[2].length_bytes, 8u);
  EXPECT_EQ(parsed.extents[3].length_bytes, 4u);
  EXPECT_EQ(parsed.extents[4].name, "z");
}

TEST(Safetensors, names_may_be_any_unicode_or_empty) {
  const std::vector<std::string> names{"",     "模型.0", "a/b\\c \"quoted\"", std::string("nul\0inside", 10),
                                       "🦙", "\x7f"};
  std::vector<Tensor> tensors;
  for (const auto& each : names) tensors.push_back({each, "U8", {1}, random_bytes(1, 8)});
  const auto layers = layers_of(parse(safetensors_file(tensors)));
  ASSERT_EQ(layers.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(layers[i].name, names[i]);
}

TEST(Safetensors, unknown_keys_of_a_tensor_are_ignored) {
  const auto file = file_with_header(
      R"({"w":{"note":{"by":["x",{"y":1.5}]},"dtype":"F32","shape":[2],"strides":[1],"data_offsets":[0,8],"ok":true}})",
      random_bytes(8, 9));
  EXPECT_EQ(layers_of(parse(file)).size(), 1u);
}

TEST(Safetensors, matches_content_but_not_text) {
  const auto file = file_with_header(kOneLayer, random_bytes(8, 10));
  EXPECT_TRUE(kSafetensors.matches(MemorySource(file)));
  const std::string text = "// json:{\"a\": 1}";
  EXPECT_FALSE(kSafetensors.matches(MemorySource(std::as_bytes(std::span(text)))));
  auto spaced = file;
  spaced[8] = std::byte{' '};
  EXPECT_FALSE(kSafetensors.matches(MemorySource(spaced))) << "the header begins with a brace";
}

TEST(Safetensors, a_file_cut_anywhere_is_glue) {
  const auto file = file_with_header(kOneLayer, random_bytes(8, 11));
  for (std::size_t n = 1; n < file.size(); ++n) {
    const auto parsed = parse(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n)));
    EXPECT_EQ(parsed.format, FormatId::Plain) << n;
    EXPECT_EQ(parsed.opaque_reason.empty(), n < 10) << "cut at " << n << ": " << parsed.opaque_reason;
  }
}

TEST(Safetensors, a_file_with_any_byte_of_its_header_changed_is_still_partitioned) {
  const auto good =
      safetensors_file({{"a", "F32", {2, 2}, random_bytes(16, 12)}, {"b", "I8", {5}, random_bytes(5, 13)}});
  const auto header_end = good.size() - 21;
  int damaged = 0;
  for (std::size_t at = 0; at < header_end; ++at) {
    for (const unsigned flip : {0x01u, 0x10u, 0x80u, 0xFFu}) {
      auto file = good;
      file[at] ^= static_cast<std::byte>(flip);
      damaged += parse(file).format == FormatId::Plain;
    }
  }
  EXPECT_GT(damaged, 100);
}

TEST(Safetensors, a_header_of_a_hundred_thousand_layers_is_read_in_seconds) {
  constexpr std::uint64_t kLayers = 100'000;
  std::string header = "{";
  for (std::uint64_t i = 0; i < kLayers; ++i) {
    header += (i == 0 ? "\"" : ",\"") + std::string("model.layers.") + std::to_string(i) +
              R"(.mlp.experts.weight":{"dtype":"BF16","shape":[2,4],"data_offsets":[)" + std::to_string(i * 16) + "," +
              std::to_string(i * 16 + 16) + "]}";
  }
  header += "}";
  const auto file = file_with_header(header, random_bytes(kLayers * 16, 14));

  const auto start = std::chrono::steady_clock::now();
  const auto parsed = parse(file);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;

  EXPECT_EQ(layers_of(parsed).size(), kLayers);
  EXPECT_LT(took.count(), 20) << "linear work takes a fraction of a second; quadratic work takes minutes";
}

TEST(Safetensors, a_header_nested_a_million_deep_is_refused) {
  const std::string deep(1'000'000, '[');
  const auto parsed = parse(file_with_header(R"({"w":{"x":)" + deep, {}));
  EXPECT_EQ(parsed.opaque_reason, "safetensors: header is nested too deeply");
}

TEST(Safetensors, names_in_messages_are_printable_and_short) {
  const auto parsed = parse(file_with_header(R"({"\u0000)" + std::string(5000, 'n') + R"(":7})", {}));
  EXPECT_LT(parsed.opaque_reason.size(), 200u);
  EXPECT_EQ(parsed.opaque_reason.find('\0'), std::string::npos);
}

TEST(Safetensors, finds_all_layers_of_random_files) {
  std::mt19937_64 random(15);
  for (int round = 0; round < 200; ++round) {
    std::vector<Tensor> tensors;
    const auto n = random() % 20;
    for (std::uint64_t i = 0; i < n; ++i) {
      Tensor tensor{"t" + std::to_string(i), random() % 2 != 0 ? "F16" : "I32", {}, {}};
      std::uint64_t bytes = tensor.dtype == "F16" ? 2 : 4;
      for (auto d = random() % 4; d > 0; --d) bytes *= tensor.shape.emplace_back(random() % 6);
      tensor.data = random_bytes(bytes, random());
      tensors.push_back(std::move(tensor));
    }
    const auto file = safetensors_file(tensors);
    const auto layers = layers_of(parse(file));
    ASSERT_EQ(layers.size(), tensors.size());
    for (const auto& tensor : tensors) {
      const auto found =
          std::find_if(layers.begin(), layers.end(), [&](const Extent& each) { return each.name == tensor.name; });
      ASSERT_NE(found, layers.end()) << tensor.name;
      EXPECT_EQ(found->shape, tensor.shape);
      EXPECT_EQ(slice(file, *found), tensor.data);
    }
  }
}

std::string with_spaces(std::string text) {
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

/// Every file of tests/golden/errors/safetensors fails with a message that contains the part of its name before "--".
TEST(Safetensors, golden_errors_fail_with_the_message_in_their_name) {
  const auto folder = std::filesystem::path(ELVES_GOLDEN_DIR) / "errors" / "safetensors";
  int n_files = 0;
  for (const auto& each : std::filesystem::directory_iterator(folder)) {
    const auto stem = each.path().stem().string();
    const auto words = with_spaces(stem.substr(0, stem.find("--")));
    const auto contents = read_small_file(each.path().string(), 1 << 20);
    ASSERT_TRUE(contents) << contents.error().message;
    const auto bytes = std::as_bytes(std::span(*contents));

    const auto parsed = parse_file(MemorySource(bytes));

    EXPECT_EQ(partition_flaw(parsed, bytes.size()), "") << stem;
    ASSERT_EQ(parsed.extents.size(), 1u) << stem;
    EXPECT_FALSE(parsed.extents[0].is_layer) << stem;
    EXPECT_NE(with_spaces(parsed.opaque_reason).find(words), std::string::npos)
        << stem << " gave: " << parsed.opaque_reason;
    ++n_files;
  }
  EXPECT_GT(n_files, 50);
}

}  // namespace
}  // namespace elves::formats
