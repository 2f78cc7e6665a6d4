#include "formats/gguf/gguf.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>

#include "support/byte_cursor.hpp"
#include "unit/formats/parsed.hpp"
#include "unit/formats/partition.hpp"

namespace elves::formats {
namespace {

using Bytes = std::vector<std::byte>;
using Shape = std::vector<std::uint64_t>;

/// Writes a file from front to back, with the width of counts of its version.
class Writer {
 public:
  explicit Writer(std::uint32_t version = 3) : version_(version) {}

  template <class T>
  Writer& put(T value) {
    ByteWriter(bytes_).write(value);
    return *this;
  }
  Writer& count(std::uint64_t n) { return version_ == 1 ? put(static_cast<std::uint32_t>(n)) : put(n); }
  Writer& text(std::string_view value) {
    count(value.size());
    ByteWriter(bytes_).bytes(std::as_bytes(std::span(value)));
    return *this;
  }
  Writer& start(std::uint64_t n_tensors, std::uint64_t n_values) {
    ByteWriter(bytes_).bytes(std::as_bytes(std::span("GGUF", 4)));
    return put(version_).count(n_tensors).count(n_values);
  }
  Writer& alignment(std::uint32_t bytes) { return text("general.alignment").put(std::uint32_t{4}).put(bytes); }
  /// `dims` has the innermost dimension first.
  Writer& tensor(std::string_view name, const Shape& dims, std::uint32_t type, std::uint64_t offset) {
    text(name).put(static_cast<std::uint32_t>(dims.size()));
    for (const auto dim : dims) count(dim);
    return put(type).put(offset);
  }
  Writer& data(std::size_t n, std::size_t alignment = 32) {
    while (bytes_.size() % alignment != 0) bytes_.push_back(std::byte{0});
    for (std::size_t i = 0; i < n; ++i) bytes_.push_back(static_cast<std::byte>(i * 37 + 1));
    return *this;
  }
  const Bytes& bytes() const { return bytes_; }

 private:
  std::uint32_t version_;
  Bytes bytes_;
};

constexpr std::uint32_t kF32 = 0;
constexpr std::uint32_t kF16 = 1;
constexpr std::uint32_t kQ40 = 2;
constexpr std::uint32_t kArray = 9;

using formats::parse;
ParsedFile parse(const Writer& file) {
  return parse(file.bytes());
}

std::string refusal(const Writer& file) {
  const auto parsed = parse(file);
  EXPECT_EQ(parsed.format, FormatId::Plain);
  EXPECT_EQ(parsed.opaque_bytes, file.bytes().size());
  return parsed.opaque_reason;
}

TEST(Gguf, reads_every_version_with_its_width_of_counts) {
  for (const std::uint32_t version : {1u, 2u, 3u}) {
    const auto file = Writer(version)
                          .start(2, 2)
                          .text("general.architecture")
                          .put(std::uint32_t{8})
                          .text("llama")
                          .text("tokens")
                          .put(kArray)
                          .put(std::uint32_t{8})
                          .count(2)
                          .text("<s>")
                          .text("")
                          .tensor("a.weight", {3, 2}, kF32, 0)
                          .tensor("b.bias", {5}, kF16, 32)
                          .data(42);
    const auto parsed = parse(file);
    EXPECT_EQ(parsed.format, FormatId::Gguf) << parsed.opaque_reason;
    EXPECT_EQ(parsed.opaque_bytes, 0u);
    const auto layers = layers_of(parsed);
    ASSERT_EQ(layers.size(), 2u) << "version " << version;
    EXPECT_EQ(layers[0].name, "a.weight");
    EXPECT_EQ(layers[0].dtype, DType::F32);
    EXPECT_EQ(layers[0].shape, (Shape{2, 3})) << "outermost first";
    EXPECT_EQ(layers[0].offset_bytes, file.bytes().size() - 42);
    EXPECT_EQ(layers[1].name, "b.bias");
    EXPECT_EQ(layers[1].dtype, DType::F16);
    EXPECT_EQ(layers[1].offset_bytes, file.bytes().size() - 10);
  }
}

TEST(Gguf, reads_every_type_that_has_a_dtype) {
  // Number, elements and bytes of a block, from ggml's own headers.
  struct Type {
    std::uint32_t number;
    DType dtype;
    std::uint64_t elements, bytes;
  };
  const std::vector<Type> types{
      {0, DType::F32, 1, 4},         {1, DType::F16, 1, 2},         {2, DType::Q4_0, 32, 18},
      {3, DType::Q4_1, 32, 20},      {6, DType::Q5_0, 32, 22},      {7, DType::Q5_1, 32, 24},
      {8, DType::Q8_0, 32, 34},      {9, DType::Q8_1, 32, 36},      {10, DType::Q2_K, 256, 84},
      {11, DType::Q3_K, 256, 110},   {12, DType::Q4_K, 256, 144},   {13, DType::Q5_K, 256, 176},
      {14, DType::Q6_K, 256, 210},   {15, DType::Q8_K, 256, 292},   {16, DType::IQ2_XXS, 256, 66},
      {17, DType::IQ2_XS, 256, 74},  {18, DType::IQ3_XXS, 256, 98}, {19, DType::IQ1_S, 256, 50},
      {20, DType::IQ4_NL, 32, 18},   {21, DType::IQ3_S, 256, 110},  {22, DType::IQ2_S, 256, 82},
      {23, DType::IQ4_XS, 256, 136}, {24, DType::I8, 1, 1},         {25, DType::I16, 1, 2},
      {26, DType::I32, 1, 4},        {27, DType::I64, 1, 8},        {28, DType::F64, 1, 8},
      {29, DType::IQ1_M, 256, 56},   {30, DType::BF16, 1, 2},       {34, DType::TQ1_0, 256, 54},
      {35, DType::TQ2_0, 256, 66},   {39, DType::MXFP4, 32, 17}};
  for (const auto& type : types) {
    const auto parsed =
        parse(Writer().start(1, 0).tensor("w", {2 * type.elements, 3}, type.number, 0).data(6 * type.bytes));
    ASSERT_EQ(parsed.extents.size(), 2u) << type.number << ": " << parsed.opaque_reason;
    EXPECT_EQ(parsed.extents[1].dtype, type.dtype) << type.number;
    EXPECT_EQ(parsed.extents[1].shape, (Shape{3, 2 * type.elements})) << type.number;
    EXPECT_EQ(parsed.extents[1].length_bytes, 6 * type.bytes) << type.number;
  }
}

TEST(Gguf, a_block_type_without_a_dtype_becomes_rows_of_bytes) {
  const auto layers = layers_of(parse(Writer().start(1, 0).tensor("nvfp4", {128, 3}, 40, 0).data(3 * 72)));
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].dtype, DType::U8);
  EXPECT_EQ(layers[0].shape, (Shape{3, 72}));
}

TEST(Gguf, metadata_of_every_type_is_skipped) {
  Writer file;
  file.start(1, 16);
  const std::map<std::uint32_t, int> bytes{{0, 1}, {1, 1}, {2, 2},  {3, 2},  {4, 4}, {5, 4},
                                           {6, 4}, {7, 1}, {10, 8}, {11, 8}, {12, 8}};
  for (const auto& [type, n] : bytes) {
    file.text("key" + std::to_string(type)).put(type);
    for (int i = 0; i < n; ++i) file.put(std::uint8_t{0xFF});
  }
  file.text("text").put(std::uint32_t{8}).text("GGUF");
  file.text("numbers").put(kArray).put(std::uint32_t{2}).count(3).put(std::uint16_t{1}).put(std::uint32_t{2});
  file.text("none").put(kArray).put(std::uint32_t{8}).count(0);
  file.text("nested").put(kArray).put(kArray).count(2);
  file.put(std::uint32_t{0}).count(1).put(std::uint8_t{1});
  file.put(std::uint32_t{8}).count(1).text("deep");
  file.text("general.alignmenT").put(std::uint32_t{8}).text("as long as the real key");
  file.tensor("w", {4}, kF32, 0).data(16);
  const auto layers = layers_of(parse(file));
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].offset_bytes, file.bytes().size() - 16);
}

TEST(Gguf, a_file_with_only_a_vocabulary_has_no_layers) {
  const auto parsed = parse(Writer().start(0, 1).text("tokenizer.ggml.model").put(std::uint32_t{8}).text("llama"));
  EXPECT_EQ(parsed.format, FormatId::Gguf);
  EXPECT_EQ(parsed.extents.size(), 1u);
  EXPECT_EQ(parsed.opaque_bytes, 0u);
}

TEST(Gguf, the_alignment_is_read_from_the_metadata) {
  const auto file =
      Writer().start(2, 1).alignment(256).tensor("a", {1}, kF32, 0).tensor("b", {1}, kF32, 256).data(260, 256);
  const auto layers = layers_of(parse(file));
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].offset_bytes, 256u);
  EXPECT_EQ(layers[1].offset_bytes, 512u);

  const auto tight = Writer().start(1, 1).alignment(1).tensor("a", {1}, kF32, 0).data(4, 1);
  EXPECT_EQ(layers_of(parse(tight)).at(0).offset_bytes, tight.bytes().size() - 4);
}

TEST(Gguf, scalars_and_arrays_without_elements_keep_their_names_and_shapes) {
  const auto file =
      Writer().start(3, 0).tensor("none", {4, 0}, kF16, 0).tensor("one", {}, kF32, 0).tensor("q", {0}, kQ40, 32);
  const auto layers = layers_of(parse(Writer(file).data(32)));
  ASSERT_EQ(layers.size(), 3u);
  EXPECT_EQ(layers[0].name, "none");
  EXPECT_EQ(layers[0].shape, (Shape{0, 4}));
  EXPECT_EQ(layers[0].length_bytes, 0u);
  EXPECT_EQ(layers[1].shape, Shape{});
  EXPECT_EQ(layers[1].length_bytes, 4u);
  EXPECT_EQ(layers[2].length_bytes, 0u);
}

TEST(Gguf, two_tensors_may_have_one_name) {
  EXPECT_EQ(layers_of(parse(Writer().start(2, 0).tensor("w", {1}, kF32, 0).tensor("w", {1}, kF32, 32).data(36))).size(),
            2u);
}

TEST(Gguf, a_tensor_of_an_unknown_type_is_glue_up_to_the_next_tensor) {
  for (const std::uint32_t type : {4u, 5u, 31u, 32u, 33u, 36u, 37u, 38u, 41u, 255u, 0xFFFFFFFFu}) {
    const auto parsed = parse(Writer()
                                  .start(4, 0)
                                  .tensor("last", {32}, type, 96)
                                  .tensor("a", {8}, kF32, 0)
                                  .tensor("odd", {32, 2}, type, 32)
                                  .tensor("b", {8}, kF32, 64)
                                  .data(100));
    EXPECT_EQ(parsed.format, FormatId::Gguf);
    EXPECT_EQ(parsed.opaque_bytes, 36u);
    EXPECT_EQ(parsed.opaque_reason, "gguf: 2 of 4 tensors are of an unknown type (" + std::to_string(type) + ")");
    ASSERT_EQ(parsed.extents.size(), 5u) << "header, a, odd, b, last";
    EXPECT_TRUE(parsed.extents[1].is_layer);
    EXPECT_FALSE(parsed.extents[2].is_layer);
    EXPECT_EQ(parsed.extents[2].length_bytes, 32u);
    EXPECT_EQ(parsed.extents[3].name, "b");
    EXPECT_EQ(parsed.extents[4].length_bytes, 4u);
  }
}

TEST(Gguf, an_empty_tensor_of_an_unknown_type_is_not_opaque) {
  const auto parsed = parse(Writer().start(1, 0).tensor("w", {32}, 31, 0).data(0));
  EXPECT_EQ(parsed.format, FormatId::Gguf);
  EXPECT_EQ(parsed.opaque_reason, "");
}

TEST(Gguf, matches_magic_and_version_but_not_text) {
  EXPECT_TRUE(kGguf.matches(MemorySource(Writer().start(0, 0).bytes())));
  for (const std::string text : {"GGUF is a file format for models", "GGUF", "GGUF\n\n\n\n", "GGML\3\0\0\0........"}) {
    EXPECT_FALSE(kGguf.matches(MemorySource(std::as_bytes(std::span(text))))) << text;
  }
}

TEST(Gguf, big_endian_files_and_unknown_versions_are_refused) {
  EXPECT_EQ(refusal(Writer(0x03000000).start(1, 0)), "gguf: its numbers are big-endian");
  EXPECT_EQ(refusal(Writer(4).start(1, 0)), "gguf: version 4 is unknown");
}

TEST(Gguf, wrong_counts_are_refused) {
  constexpr auto kMany = std::uint64_t{1} << 60;
  constexpr auto kText = std::uint32_t{8};
  const auto value = [] { return Writer().start(1, 1).text("key"); };
  const std::vector<Writer> files{
      Writer().start(1'000'000, 0).tensor("w", {1}, kF32, 0),
      Writer().start(0, kMany).text("key").put(kF32).put('\1'),
      value().put(kArray).put(kText).count(kMany).text("a").text("b"),
      value().put(kArray).put(std::uint32_t{10}).count(std::uint64_t{1} << 61).data(64),
      value().put(kArray).put(kArray).count(kMany).put(kArray).count(kMany),
      value().put(kText).count(std::uint64_t{1} << 63).data(64),
      Writer().start(0, 1).count(kMany).data(64),
      Writer().start(1, 0).count(40000).data(64),
      Writer().start(0, 1).text("general.alignment"),
      Writer().start(1, 0),
  };
  for (std::size_t i = 0; i < files.size(); ++i) {
    EXPECT_NE(refusal(files[i]).find("gguf: cut short, or a size in it is wrong (at byte "), std::string::npos)
        << i << ": " << refusal(files[i]);
  }
}

TEST(Gguf, arrays_nested_a_million_deep_are_refused) {
  Writer file;
  file.start(0, 1).text("key").put(kArray);
  for (int i = 0; i < 1'000'000; ++i) file.put(kArray).count(1);
  EXPECT_EQ(refusal(file), "gguf: metadata arrays are nested too deeply");
}

TEST(Gguf, hostile_metadata_is_refused_with_the_reason) {
  EXPECT_EQ(refusal(Writer().start(1, 1).alignment(0).tensor("w", {1}, kF32, 0).data(4)),
            "gguf: its alignment of 0 bytes is no power of two");
  EXPECT_EQ(refusal(Writer().start(1, 1).alignment(24).tensor("w", {1}, kF32, 0).data(4)),
            "gguf: its alignment of 24 bytes is no power of two");
  EXPECT_EQ(refusal(Writer().start(0, 1).text("general.alignment").put(std::uint32_t{10}).put(std::uint64_t{32})),
            "gguf: general.alignment is not a 32-bit number");
  EXPECT_EQ(refusal(Writer().start(0, 1).text("key").put(std::uint32_t{13}).data(20)),
            "gguf: metadata value of unknown type 13 (at byte 39)");
}

TEST(Gguf, hostile_tensors_are_refused_with_the_reason) {
  EXPECT_EQ(refusal(Writer().start(std::uint64_t{1} << 60, 0).tensor("w", {1}, kF32, 0).data(4)),
            "gguf: too many tensors: 1152921504606846976");
  constexpr auto kHuge = std::uint64_t{1} << 62;
  const auto one = [](const Shape& dims, std::uint32_t type, std::uint64_t offset) {
    return refusal(Writer().start(1, 0).tensor("w", dims, type, offset).data(1000));
  };
  EXPECT_EQ(one({16}, kQ40, 0), "gguf: layer 'w' has rows of 16 elements, but blocks of 32");
  EXPECT_EQ(one({16, 2}, kQ40, 0), "gguf: layer 'w' has rows of 16 elements, but blocks of 32");
  EXPECT_EQ(one({}, kQ40, 0), "gguf: layer 'w' has rows of 1 elements, but blocks of 32");
  EXPECT_EQ(one({kHuge, 8}, kF32, 0), "gguf: layer 'w' has a shape whose size overflows");
  EXPECT_EQ(one({kHuge}, kF32, 0), "gguf: layer 'w' has a shape whose size overflows");
  EXPECT_EQ(one({64, kHuge}, 40, 0), "gguf: layer 'w' has a shape whose size overflows");
  EXPECT_EQ(one({~std::uint64_t{63}}, 40, 0), "gguf: layer 'w' passes the end of the file");
  EXPECT_EQ(one({kHuge}, 24, 0), "gguf: layer 'w' passes the end of the file");
  EXPECT_EQ(one({1}, kF32, 1024), "gguf: layer 'w' passes the end of the file");
  EXPECT_EQ(one({1}, kF32, ~std::uint64_t{31}), "gguf: layer 'w' passes the end of the file");
  EXPECT_EQ(one({1}, 31, ~std::uint64_t{31}), "gguf: layer 'w' passes the end of the file");
  EXPECT_EQ(one({1}, kF32, 5), "gguf: layer 'w' has an offset of 5, but the alignment is 32");
  EXPECT_EQ(one(Shape(9, 1), kF32, 0), "gguf: layer 'w' has 9 dimensions");
  EXPECT_EQ(refusal(Writer().start(1, 0).text("w").put(std::uint32_t{1} << 31).data(100)),
            "gguf: layer 'w' has 2147483648 dimensions");
  EXPECT_EQ(refusal(Writer().start(1, 0).text(std::string(70000, 'n')).data(100)),
            "gguf: a text of 70000 bytes, but at most 65535 are allowed (at byte 32)");
}

TEST(Gguf, tensors_that_overlap_are_refused) {
  EXPECT_EQ(refusal(Writer().start(2, 0).tensor("a", {9}, kF32, 0).tensor("b", {1}, kF32, 32).data(64)),
            "gguf: layer 'b' overlaps another layer");
  EXPECT_EQ(refusal(Writer().start(2, 0).tensor("a", {64}, kF32, 0).tensor("b", {1}, 31, 32).data(256)),
            "gguf: layer '' overlaps another layer");
  const auto wraps = Writer().start(2, 0).tensor("a", {1}, 31, 0).tensor("b", {1}, 31, ~std::uint64_t{31}).data(64);
  EXPECT_EQ(refusal(wraps), "gguf: layer 'b' passes the end of the file");
}

TEST(Gguf, names_in_messages_are_printable_and_short) {
  const auto reason = refusal(Writer().start(1, 0).tensor(std::string(5000, '\n'), {1}, kQ40, 0).data(64));
  EXPECT_EQ(reason.find('\n'), std::string::npos);
  EXPECT_LT(reason.size(), 600u);
}

TEST(Gguf, a_file_cut_anywhere_is_glue) {
  const auto file = Writer().start(1, 1).alignment(8).tensor("w", {64, 2}, kQ40, 0).data(72, 8).bytes();
  ASSERT_EQ(parse(file).format, FormatId::Gguf);
  for (std::size_t n = 0; n < file.size(); ++n) {
    const auto parsed = parse(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(n)));
    EXPECT_EQ(parsed.format, FormatId::Plain) << n;
    EXPECT_EQ(parsed.opaque_reason.empty(), n < 8) << "cut at " << n << ": " << parsed.opaque_reason;
  }
}

TEST(Gguf, a_hundred_thousand_tensors_are_read_in_seconds) {
  constexpr std::uint64_t kTensors = 100'000;
  Writer file;
  file.start(kTensors, 0);
  for (std::uint64_t i = 0; i < kTensors; ++i) {
    file.tensor("blk." + std::to_string(i) + ".ffn_down.weight", {32}, i % 2 == 0 ? kQ40 : 31, i * 32);
  }
  file.data(kTensors * 32);
  const auto start = std::chrono::steady_clock::now();
  const auto parsed = parse(file);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(layers_of(parsed).size(), kTensors / 2);
  EXPECT_LT(took.count(), 20) << "linear work takes a fraction of a second; quadratic work takes minutes";
}

}  // namespace
}  // namespace elves::formats
