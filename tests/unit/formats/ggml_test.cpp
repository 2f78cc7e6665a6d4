#include "formats/ggml/ggml.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "support/byte_cursor.hpp"
#include "unit/formats/parsed.hpp"

namespace elves::formats {
namespace {

using Bytes = std::vector<std::byte>;
using Shape = std::vector<std::uint64_t>;

constexpr std::uint32_t kF32 = 0;
constexpr std::uint32_t kF16 = 1;
constexpr std::uint32_t kQ40 = 2;
constexpr std::uint32_t kQ41 = 3;
constexpr std::uint32_t kQ50 = 6;
constexpr std::uint32_t kQ80 = 8;

class Writer {
 public:
  explicit Writer(std::uint32_t magic) { put(magic); }

  Writer& put(std::uint32_t value) {
    ByteWriter(bytes_).write(value);
    return *this;
  }
  Writer& puts(std::initializer_list<std::uint32_t> values) {
    for (const auto value : values) put(value);
    return *this;
  }
  Writer& text(std::string_view value) {
    ByteWriter(bytes_).bytes(std::as_bytes(std::span(value)));
    return *this;
  }
  Writer& vocabulary(std::uint32_t n, bool has_scores = false) {
    for (std::uint32_t i = 0; i < n; ++i) {
      const auto token = std::string(i % 5, 't');
      put(static_cast<std::uint32_t>(token.size())).text(token);
      if (has_scores) put(0xC0000000);
    }
    return *this;
  }
  Writer& data(std::uint64_t n) {
    for (std::uint64_t i = 0; i < n; ++i) bytes_.push_back(static_cast<std::byte>(i * 37 + 1));
    return *this;
  }
  /// `dims` has the innermost dimension first.
  Writer& tensor(std::string_view name, const Shape& dims, std::uint32_t type, std::uint64_t n_bytes,
                 std::size_t alignment = 1) {
    puts({static_cast<std::uint32_t>(dims.size()), static_cast<std::uint32_t>(name.size()), type});
    for (const auto dim : dims) put(static_cast<std::uint32_t>(dim));
    text(name);
    while (bytes_.size() % alignment != 0) bytes_.push_back(std::byte{0});
    return data(n_bytes);
  }
  const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

Writer ggml() {
  return Writer(0x67676d6c);
}
Writer ggmf() {
  return Writer(0x67676d66).put(1);
}
Writer ggjt(std::uint32_t version) {
  return Writer(0x67676a74).put(version);
}
Writer ggla() {
  return Writer(0x67676c61).put(1);
}

std::vector<Extent> layers_of(const Writer& file) {
  auto parsed = parse(file.bytes());
  EXPECT_EQ(parsed.format, FormatId::Ggml) << parsed.opaque_reason;
  EXPECT_EQ(parsed.opaque_bytes, 0u);
  std::erase_if(parsed.extents, [](const Extent& extent) { return !extent.is_layer; });
  return parsed.extents;
}

std::string refusal(const Writer& file) {
  const auto parsed = parse(file.bytes());
  EXPECT_EQ(parsed.format, FormatId::Plain);
  EXPECT_EQ(parsed.opaque_bytes, file.bytes().size());
  return parsed.opaque_reason;
}

constexpr std::string_view kNoHeaderFits = "ggml: no known header fits: the tensors after it do not end with the file";

TEST(Ggml, reads_llama_files_without_a_version) {
  const auto file = ggml()
                        .puts({40, 8, 256, 4, 2, 2, 1})
                        .vocabulary(40)
                        .tensor("tok_embeddings.weight", {8, 40}, kF16, 640)
                        .tensor("norm.weight", {8}, kF32, 32);
  const auto layers = layers_of(file);
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, "tok_embeddings.weight");
  EXPECT_EQ(layers[0].dtype, DType::F16);
  EXPECT_EQ(layers[0].shape, (Shape{40, 8})) << "outermost first";
  EXPECT_EQ(layers[0].length_bytes, 640u);
  EXPECT_EQ(layers[1].name, "norm.weight");
  EXPECT_EQ(layers[1].dtype, DType::F32);
  EXPECT_EQ(layers[1].offset_bytes, file.bytes().size() - 32);
}

TEST(Ggml, versions_have_scores_and_later_versions_align_the_data) {
  const auto header = [](Writer file) { return file.puts({40, 8, 256, 4, 2, 2, 0}).vocabulary(40, true); };
  const auto plain = header(ggmf()).tensor("a", {3}, kF32, 12).tensor("b", {5}, kF16, 10);
  ASSERT_EQ(layers_of(plain).size(), 2u);
  EXPECT_EQ(layers_of(plain)[1].offset_bytes, plain.bytes().size() - 10);
  for (const std::uint32_t version : {1u, 2u, 3u}) {
    const auto layers = layers_of(header(ggjt(version)).tensor("a", {3}, kF32, 12, 32).tensor("b", {5}, kF16, 10, 32));
    ASSERT_EQ(layers.size(), 2u) << version;
    EXPECT_EQ(layers[0].offset_bytes % 32, 0u);
    EXPECT_EQ(layers[1].offset_bytes % 32, 0u);
    EXPECT_EQ(layers[1].length_bytes, 10u);
  }
}

TEST(Ggml, reads_adapters) {
  const auto layers = layers_of(ggla()
                                    .puts({8, 16})
                                    .tensor("layers.0.wq.loraA", {8, 4}, kF16, 64, 32)
                                    .tensor("layers.0.wq.loraB", {8, 4}, kF32, 128, 32));
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[1].name, "layers.0.wq.loraB");
  EXPECT_EQ(layers[1].shape, (Shape{4, 8}));
}

TEST(Ggml, blocks_of_version_3_keep_their_dtypes) {
  const auto layers = layers_of(ggjt(3)
                                    .puts({2, 8, 256, 4, 2, 2, 2})
                                    .vocabulary(2, true)
                                    .tensor("a", {64, 3}, kQ40, 108, 32)
                                    .tensor("b", {64}, kQ41, 40, 32)
                                    .tensor("c", {32}, kQ80, 34, 32)
                                    .tensor("d", {256, 2}, 12, 288, 32));
  ASSERT_EQ(layers.size(), 4u);
  EXPECT_EQ(layers[0].dtype, DType::Q4_0);
  EXPECT_EQ(layers[0].shape, (Shape{3, 64}));
  EXPECT_EQ(layers[1].dtype, DType::Q4_1);
  EXPECT_EQ(layers[2].dtype, DType::Q8_0);
  EXPECT_EQ(layers[3].dtype, DType::Q4_K);
}

TEST(Ggml, older_blocks_are_rows_of_bytes) {
  const std::vector<std::array<std::uint32_t, 3>> blocks{
      // type, elements, bytes
      {2, 32, 20}, {3, 32, 24}, {4, 16, 10}, {5, 16, 12}, {6, 32, 22}, {7, 32, 24}, {8, 32, 36}};
  for (const std::uint32_t version : {1u, 2u}) {
    for (const auto& [type, elements, bytes] : blocks) {
      const auto layers = layers_of(ggjt(version)
                                        .puts({2, 8, 256, 4, 2, 2, 2})
                                        .vocabulary(2, true)
                                        .tensor("w", {2 * elements, 3}, type, 6 * bytes, 32));
      ASSERT_EQ(layers.size(), 1u) << type;
      EXPECT_EQ(layers[0].dtype, DType::U8) << type;
      EXPECT_EQ(layers[0].shape, (Shape{3, 2 * bytes})) << type;
    }
  }
}

TEST(Ggml, without_a_version_blocks_must_fill_the_file) {
  const auto file = [](std::uint64_t block_bytes) {
    return ggml()
        .puts({2, 8, 256, 4, 2, 2, 2})
        .vocabulary(2)
        .tensor("w", {64}, kQ40, 2 * block_bytes)
        .tensor("b", {4}, kF32, 16);
  };
  const auto today = layers_of(file(18));
  ASSERT_EQ(today.size(), 2u);
  EXPECT_EQ(today[0].dtype, DType::Q4_0);
  const auto old = layers_of(file(20));
  ASSERT_EQ(old.size(), 2u);
  EXPECT_EQ(old[0].dtype, DType::U8);
  EXPECT_EQ(old[0].shape, (Shape{40}));
}

TEST(Ggml, blocks_that_never_changed_keep_their_dtype_without_a_version) {
  const auto layers = layers_of(ggml().puts({2, 8, 256, 4, 2, 2, 2}).vocabulary(2).tensor("w", {64}, kQ50, 44));
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].dtype, DType::Q5_0);
}

Writer whisper(std::uint32_t n_mels, std::uint32_t n_frequencies) {
  return ggml()
      .puts({51864, 1500, 384, 6, 4, 448, 384, 6, 4, n_mels, 1})
      .puts({n_mels, n_frequencies})
      .data(4 * n_mels * n_frequencies)
      .put(30)
      .vocabulary(30);
}

TEST(Ggml, the_mel_filters_of_whisper_are_a_layer) {
  const auto layers = layers_of(whisper(5, 7).tensor("decoder.positional_embedding", {8, 4}, kF32, 128));
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, "mel_filters");
  EXPECT_EQ(layers[0].dtype, DType::F32);
  EXPECT_EQ(layers[0].shape, (Shape{5, 7}));
  EXPECT_EQ(layers[0].offset_bytes, 4u + 13 * 4);
  EXPECT_EQ(layers[1].name, "decoder.positional_embedding");
}

TEST(Ggml, a_file_with_only_a_vocabulary_has_no_layers) {
  ASSERT_EQ(layers_of(whisper(5, 7)).size(), 1u);
  EXPECT_TRUE(layers_of(ggml().puts({40, 8, 256, 4, 2, 2, 0}).vocabulary(40)).empty());
  EXPECT_TRUE(layers_of(ggjt(1).puts({40, 8, 256, 4, 2, 2, 0}).vocabulary(40, true)).empty());
}

TEST(Ggml, an_unknown_header_is_found_by_its_tensors) {
  const auto tensors = [](Writer file) {
    return file.tensor("conv.weight", {3, 2, 2}, kF16, 24).tensor("scalar", {}, kF32, 4).tensor("bias", {6}, kF32, 24);
  };
  const std::vector<Writer> files{
      ggml().puts({10, 6}).text("silero").puts({6, 2, 0, 512, 64, 1, 129, 128, 3, 128, 128, 128, 1}),
      ggml().puts({30, 128, 8, 4, 2, 1, 30}).vocabulary(30),      // GPT-2
      ggml().puts({30, 128, 8, 4, 2, 64, 1, 30}).vocabulary(30),  // GPT-J
      ggml().puts({30, 128, 8, 4, 2, 64, 1, 1}).vocabulary(30),   // GPT-NeoX
      ggml().puts({8, 128, 4, 2, 30, 0, 0, 1}).vocabulary(30),    // MPT
      ggml().puts({8, 128, 4, 2, 30, 1}).vocabulary(30, true),    // Replit
      ggml().puts({768, 12, 12, 256, 4, 1}),                      // SAM
      Writer(0x67676d66).puts({101, 50277, 768, 12, 1}),          // RWKV
  };
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto layers = layers_of(tensors(files[i]));
    ASSERT_EQ(layers.size(), 3u) << i;
    EXPECT_EQ(layers[0].name, "conv.weight");
    EXPECT_EQ(layers[0].shape, (Shape{2, 2, 3}));
    EXPECT_EQ(layers[1].shape, Shape{});
    EXPECT_EQ(layers[2].name, "bias");
  }
}

TEST(Ggml, matches_content_but_not_text) {
  for (const auto& file : {ggml().put(32000), ggmf(), ggjt(3), ggla()}) {
    auto bytes = file.bytes();
    bytes.resize(8);
    EXPECT_TRUE(kGgml.matches(MemorySource(bytes)));
  }
  for (const std::string text : {"lmgg is not a text that begins so", "tjgg", "ggml\1\0\0\0", "ggjt\1\0\0\0"}) {
    EXPECT_FALSE(kGgml.matches(MemorySource(std::as_bytes(std::span(text))))) << text;
  }
}

TEST(Ggml, unknown_versions_are_refused) {
  EXPECT_EQ(refusal(ggjt(4).puts({1, 2, 3})), "ggml: version 4 is unknown");
  EXPECT_EQ(refusal(ggjt(0).puts({1, 2, 3})), "ggml: version 0 is unknown");
  EXPECT_EQ(refusal(Writer(0x67676c61).puts({2, 8, 16})), "ggml: version 2 is unknown");
}

TEST(Ggml, a_file_with_more_or_less_than_its_tensors_is_refused) {
  const auto file = ggml().puts({3, 8, 256, 4, 2, 2, 1}).vocabulary(3).tensor("w", {8}, kF32, 32);
  ASSERT_EQ(layers_of(file).size(), 1u);
  EXPECT_EQ(refusal(Writer(file).put(0)), kNoHeaderFits);
  const auto& whole = file.bytes();
  for (std::size_t n = 8; n < whole.size(); ++n) {
    const auto parsed = parse(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)));
    const bool ends_with_the_vocabulary = n == 4 + 7 * 4 + 3 * 4 + 3;
    EXPECT_EQ(parsed.opaque_reason, ends_with_the_vocabulary ? "" : kNoHeaderFits) << "cut at " << n;
  }
}

TEST(Ggml, hostile_tensors_fit_no_header) {
  const auto header = [] { return ggml().puts({1, 8, 256, 4, 2, 2, 1}).vocabulary(1); };
  const auto tensor = [&](std::initializer_list<std::uint32_t> numbers) {
    return refusal(header().puts(numbers).text("name").data(1000));
  };
  constexpr std::uint32_t kNegative = 0xFFFFFFFF;
  EXPECT_EQ(tensor({std::uint32_t{1} << 31, 4, kF32, 1}), kNoHeaderFits) << "dimensions";
  EXPECT_EQ(tensor({5, 4, kF32, 1, 1, 1, 1, 1}), kNoHeaderFits) << "dimensions";
  EXPECT_EQ(tensor({1, kNegative, kF32, 1}), kNoHeaderFits) << "name";
  EXPECT_EQ(tensor({1, 0, kF32, 1}), kNoHeaderFits) << "name";
  EXPECT_EQ(tensor({1, 4, 77, 1}), kNoHeaderFits) << "type";
  EXPECT_EQ(tensor({1, 4, kNegative, 1}), kNoHeaderFits) << "type";
  EXPECT_EQ(tensor({1, 4, kF32, kNegative}), kNoHeaderFits) << "negative";
  EXPECT_EQ(tensor({4, 4, kF32, 0x7FFFFFFF, 0x7FFFFFFF, 0x7FFFFFFF, 0x7FFFFFFF}), kNoHeaderFits) << "overflow";
  EXPECT_EQ(tensor({1, 4, kQ40, 33}), kNoHeaderFits) << "rows of no whole blocks";
  EXPECT_EQ(refusal(header().tensor("none", {0, kNegative}, kF32, 0)), kNoHeaderFits) << "negative";
  ASSERT_EQ(layers_of(header().tensor("none", {0, 5}, kF32, 0)).size(), 1u) << "the one above but for its dimension";
  EXPECT_EQ(refusal(header().tensor("", {4}, kF32, 16)), kNoHeaderFits);
  EXPECT_EQ(refusal(header().tensor("na\nme", {4}, kF32, 16)), kNoHeaderFits);
  ASSERT_EQ(layers_of(header().tensor("na me", {4}, kF32, 16)).size(), 1u) << "the one above but for its name";
}

TEST(Ggml, hostile_headers_are_refused) {
  EXPECT_EQ(refusal(ggml().puts({0xFFFFFF, 8, 256, 4, 2, 2, 1}).data(1000)), kNoHeaderFits);
  EXPECT_EQ(refusal(whisper(0, 7)), kNoHeaderFits);
  EXPECT_EQ(refusal(ggml().puts({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0xFFFFFFFF, 0xFFFFFFFF}).data(100)), kNoHeaderFits);
  EXPECT_EQ(refusal(ggml().puts({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 80, 201}).data(100)), kNoHeaderFits);
  EXPECT_EQ(refusal(ggml().put(5)), kNoHeaderFits);
}

/// Tensors whose data are more tensors: at each a long chain begins that does not end with the file.
Writer astray(std::uint32_t n) {
  auto file = ggml().puts({0, 0, 0, 0, 0, 0});
  for (std::uint32_t i = 0; i < n; ++i) file.puts({1, 4, kF32, 5}).text("name");
  return file.put(0);
}

TEST(Ggml, the_search_stops_after_100000_tensors) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(refusal(astray(500'000)), kNoHeaderFits);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took.count(), 20) << "a chain from every place takes minutes";
}

TEST(Ggml, the_search_stops_after_16_MiB) {
  const auto file = [](std::uint64_t n) { return ggml().puts({0, 0, 0}).data(n).tensor("w", {8}, kF32, 32); };
  EXPECT_EQ(layers_of(file((16 << 20) - 32)).size(), 1u);
  EXPECT_EQ(refusal(file(16 << 20)), kNoHeaderFits);
}

}  // namespace
}  // namespace elves::formats
