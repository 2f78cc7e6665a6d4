#include "formats/onnx_data/onnx_data.hpp"

#include <gtest/gtest.h>

#include <map>

#include "unit/formats/memory_folder.hpp"
#include "unit/formats/onnx_builder.hpp"
#include "unit/formats/partition.hpp"

namespace elves::formats {
namespace {

using onnx_builder::attribute;
using onnx_builder::constant;
using onnx_builder::external;
using onnx_builder::graph;
using onnx_builder::model;
using onnx_builder::model_file;
using onnx_builder::node;
using Shape = std::vector<std::uint64_t>;
using Files = std::map<std::string, std::string>;

ParsedFile parse(const std::string& name, const std::string& file, const Files& beside) {
  MemoryFolder folder;
  for (const auto& [model_name, model_bytes] : beside) folder.add(model_name, bytes_of(model_bytes));
  auto parsed = parse_file(MemorySource(bytes_of(file)), {.name = name, .folder = &folder});
  EXPECT_EQ(partition_flaw(parsed, file.size()), "") << parsed.opaque_reason;
  return parsed;
}

std::vector<std::pair<std::string, std::string>> at(std::uint64_t offset, std::uint64_t length,
                                                    const std::string& location = "m.onnx.data") {
  return {{"location", location},
          {"offset", std::to_string(offset)},
          {"length", std::to_string(length)},
          {"checksum", "0123"}};
}

const std::string kNumbers = "0123456789abcdef0123456789ABCDEF";

std::string error_of(const std::vector<Message>& initializers) {
  const auto parsed = parse("m.onnx.data", kNumbers, {{"m.onnx", model_file(initializers)}});
  EXPECT_EQ(parsed.format, FormatId::Plain);
  return parsed.opaque_reason;
}

TEST(OnnxData, layers_are_the_tensors_of_the_model_in_this_file) {
  const auto parsed =
      parse("m.onnx.data", kNumbers,
            {{"m.onnx", model_file({external("b", 1, {2, 2}, at(16, 16)), external("a", 10, {4}, at(4, 8)),
                                    external("else", 1, {4}, at(0, 16, "other.data"))})}});
  EXPECT_EQ(parsed.format, FormatId::OnnxData);
  EXPECT_EQ(parsed.opaque_bytes, 0u);
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, "a");
  EXPECT_EQ(layers[0].dtype, DType::F16);
  EXPECT_EQ(layers[0].offset_bytes, 4u);
  EXPECT_EQ(layers[1].name, "b");
  EXPECT_EQ(layers[1].shape, (Shape{2, 2}));
  EXPECT_EQ(slice(kNumbers, layers[1]), "0123456789ABCDEF");
}

TEST(OnnxData, finds_the_model_by_name_or_in_the_folder) {
  for (const auto& [data, model_name] : Files{{"m.onnx.data", "m.onnx"},
                                              {"m.onnx_data", "m.onnx"},
                                              {"m.onnx_data_1", "m.onnx"},
                                              {"m.data", "m.onnx"},
                                              {"m.bin", "m.onnx"},
                                              {"weights.pb", "model.onnx"},
                                              {"transformer.h.0.weight", "x.onnx"}}) {
    const auto parsed = parse(data, kNumbers,
                              {{model_name, model_file({external("w", 1, {8}, at(0, 32, data))})},
                               {"a.onnx", model_file({})},
                               {"b.onnx", "no model"}});
    EXPECT_EQ(parsed.format, FormatId::OnnxData) << data;
    EXPECT_EQ(layers_of(parsed).size(), 1u) << data;
  }
}

TEST(OnnxData, opens_sixteen_models_at_most) {
  const auto about = model_file({external("w", 1, {8}, at(0, 32, "weights"))});
  Files files{{"z.onnx", about}};
  for (char c = 'a'; c < 'a' + 15; ++c) files[std::string(1, c) + ".onnx"] = model_file({});
  EXPECT_EQ(parse("weights", kNumbers, files).format, FormatId::OnnxData);
  files["q.onnx"] = model_file({});
  EXPECT_EQ(parse("weights", kNumbers, files).format, FormatId::Plain);
}

TEST(OnnxData, a_file_that_no_model_names_is_opaque) {
  const auto other = model_file({external("w", 1, {8}, at(0, 32, "other.data"))});
  for (const auto& files : {Files{}, Files{{"m.onnx", other}}, Files{{"m.onnx", other.substr(0, 60)}},
                            Files{{"m.onnx", "text"}}, Files{{"m.onnx", ""}}}) {
    const auto parsed = parse("m.onnx.data", kNumbers, files);
    EXPECT_EQ(parsed.format, FormatId::Plain);
    EXPECT_EQ(parsed.opaque_reason, "");
  }
}

TEST(OnnxData, a_location_is_a_plain_name) {
  const auto format_at = [](const std::string& location) {
    return parse("m.onnx.data", kNumbers, {{"m.onnx", model_file({external("w", 1, {8}, at(0, 32, location))})}})
        .format;
  };
  EXPECT_EQ(format_at("m.onnx.data"), FormatId::OnnxData);
  EXPECT_EQ(format_at("./m.onnx.data"), FormatId::OnnxData);
  for (const std::string location :
       {"../m.onnx.data", "sub/m.onnx.data", "/m.onnx.data", "././m.onnx.data", "m.onnx", ""}) {
    EXPECT_EQ(format_at(location), FormatId::Plain) << location;
  }
}

TEST(OnnxData, tensors_in_subgraphs_and_constants_may_be_external_too) {
  const auto branch = graph({constant("c", external("", 1, {4}, at(0, 16)))}, {external("w", 1, {4}, at(16, 16))});
  const auto parsed = parse("m.onnx.data", kNumbers,
                            {{"m.onnx", model(graph({node("If", "If_0", {attribute("then", 6, branch)})})).bytes()}});
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, "If_0/then/c");
  EXPECT_EQ(layers[1].name, "If_0/then/w");
}

TEST(OnnxData, without_offset_and_length_the_shape_gives_the_size) {
  const auto parsed =
      parse("m.onnx.data", kNumbers,
            {{"m.onnx", model_file({external("a", 1, {2}, {{"location", "m.onnx.data"}}),
                                    external("b", 1, {3}, {{"location", "m.onnx.data"}, {"offset", "8"}})})}});
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].length_bytes, 8u);
  EXPECT_EQ(layers[1].offset_bytes, 8u);
  EXPECT_EQ(layers[1].length_bytes, 12u);
}

TEST(OnnxData, tensors_that_share_bytes_are_one_layer_under_the_first_name) {
  const auto layers = layers_of(
      parse("m.onnx.data", kNumbers,
            {{"m.onnx", model_file({external("wte", 1, {2, 2}, at(0, 16)), external("lm_head", 1, {4}, at(0, 16)),
                                    external("view", 1, {1}, at(8, 4)), external("next", 1, {4}, at(16, 16))})}}));
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, "wte");
  EXPECT_EQ(layers[0].shape, (Shape{2, 2}));
  EXPECT_EQ(layers[1].name, "next");
}

TEST(OnnxData, tensors_that_overlap_in_part_are_glue) {
  const std::string file(8192, 'x');
  const auto parsed =
      parse("m.onnx.data", file,
            {{"m.onnx", model_file({external("a", 1, {1024}, at(0, 4096)), external("b", 1, {1024}, at(2048, 4096)),
                                    external("none", 1, {0}, at(3000, 0)), external("c", 1, {128}, at(6144, 512)),
                                    external("edge", 1, {0}, at(6144, 0))})}});
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, "edge");
  EXPECT_EQ(layers[1].name, "c");
  EXPECT_EQ(parsed.extents[0].length_bytes, 6144u) << "the range of both, alone";
  EXPECT_EQ(parsed.opaque_bytes, 6144u);
  EXPECT_EQ(parsed.opaque_reason, "onnx-data: 1 of 3 arrays are not stored as plain numbers");
}

TEST(OnnxData, types_without_whole_bytes_are_glue) {
  const std::string file(2048, 'q');
  const auto parsed =
      parse("m.onnx.data", file, {{"m.onnx", model_file({external("q", onnx_builder::kInt4, {4096}, at(0, 2048))})}});
  EXPECT_EQ(parsed.format, FormatId::OnnxData);
  EXPECT_EQ(parsed.opaque_bytes, 2048u);
  EXPECT_TRUE(layers_of(parsed).empty());
}

TEST(OnnxData, tensors_that_do_not_fit_are_refused_with_the_reason) {
  const std::string beyond = "onnx-data: described by 'm.onnx': layer 'w' passes the end of the file";
  EXPECT_EQ(error_of({external("w", 1, {4}, at(20, 16))}), beyond);
  EXPECT_EQ(error_of({external("w", 1, {0}, at(33, 0))}), beyond);
  EXPECT_EQ(error_of({external("w", 1, {4}, at(~std::uint64_t{0}, 16))}), beyond);
  EXPECT_EQ(error_of({external("w", 1, {4}, at(16, ~std::uint64_t{0}))}), beyond);
  EXPECT_EQ(error_of({external("w", 1, {9}, {{"location", "m.onnx.data"}})}), beyond);
  EXPECT_EQ(error_of({external("w", 1, {1ULL << 40, 1ULL << 40}, at(0, 8))}),
            "onnx-data: described by 'm.onnx': layer 'w' has a shape whose size overflows");
  EXPECT_EQ(error_of({external("w", 1, {4}, at(0, 12))}),
            "onnx-data: layer 'w' has 12 bytes, but its dtype and shape need 16");
  EXPECT_EQ(error_of({external("w", 1, {~std::uint64_t{0}, 0}, at(0, 0))}),
            "onnx-data: layer 'w' has a negative dimension");
  for (const std::string text : {"-1", "0x10", "", "16 ", "99999999999999999999"}) {
    EXPECT_EQ(error_of({external("w", 1, {4}, {{"location", "m.onnx.data"}, {"offset", text}})}),
              "onnx-data: described by 'm.onnx': layer 'w' has an external offset that is no number")
        << text;
  }
}

TEST(OnnxData, a_damaged_model_that_names_this_file_is_an_error) {
  const auto file = model_file({external("w", 1, {4}, at(0, 16)), onnx_builder::tensor("x", 1, {1}, "1234")});
  const auto parsed = parse("m.onnx.data", kNumbers, {{"m.onnx", file.substr(0, file.size() - 2)}});
  EXPECT_EQ(
      parsed.opaque_reason.find("onnx-data: described by 'm.onnx': field 8 passes the end of its message (at byte "),
      0u)
      << parsed.opaque_reason;
}

}  // namespace
}  // namespace elves::formats
