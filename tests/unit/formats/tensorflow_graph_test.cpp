#include "formats/tensorflow_graph/tensorflow_graph.hpp"

#include <gtest/gtest.h>

#include "unit/formats/partition.hpp"
#include "unit/formats/protobuf_builder.hpp"

namespace elves::formats {
namespace {

using Shape = std::vector<std::uint64_t>;

ParsedFile parse(const std::string& file) {
  auto parsed = parse_file(MemorySource(bytes_of(file)));
  EXPECT_EQ(partition_flaw(parsed, file.size()), "") << parsed.opaque_reason;
  return parsed;
}

bool is_recognized(const std::string& file) {
  return kTensorflowGraph.matches(MemorySource(bytes_of(file)));
}

Message tensor(std::uint64_t dtype, const Shape& shape) {
  Message shape_message;
  for (const auto size : shape) shape_message.message(2, Message().number(1, size));
  return Message().number(1, dtype).message(2, shape_message);
}

Message attribute(std::string_view key, const Message& value) {
  return Message().text(1, key).message(2, value);
}

Message node(std::string_view name, std::string_view op, const std::vector<Message>& attributes = {}) {
  auto message = Message().text(1, name).text(2, op).text(3, "x:0").text(4, "/device:CPU:0");
  for (const auto& each : attributes) message.message(5, each);
  return message;
}

Message constant(std::string_view name, const Message& value) {
  return node(name, "Const",
              {attribute("dtype", Message().number(6, 1)), attribute("value", Message().message(8, value))});
}

Message graph(const std::vector<Message>& nodes) {
  auto message = Message().message(1, node("x", "Placeholder", {attribute("dtype", Message().number(6, 1))}));
  for (const auto& each : nodes) message.message(1, each);
  return message.message(4, Message().number(1, 1087));
}

std::string error_in(const Message& a_tensor) {
  const auto parsed = parse(graph({constant("w", a_tensor)}).bytes());
  EXPECT_EQ(parsed.format, FormatId::Plain);
  return parsed.opaque_reason;
}

TEST(TensorflowGraph, reads_every_type_in_tensor_content) {
  const std::vector<std::pair<std::uint64_t, DType>> types{
      {1, DType::F32},   {2, DType::F64},  {3, DType::I32},     {4, DType::U8},     {5, DType::I16},   {6, DType::I8},
      {8, DType::C64},   {9, DType::I64},  {10, DType::Bool},   {11, DType::I8},    {12, DType::U8},   {13, DType::I32},
      {14, DType::BF16}, {15, DType::I16}, {16, DType::U16},    {17, DType::U16},   {18, DType::C128}, {19, DType::F16},
      {22, DType::U32},  {23, DType::U64}, {24, DType::F8E5M2}, {25, DType::F8E4M3}};
  std::vector<Message> constants;
  for (const auto& [number, dtype] : types) {
    constants.push_back(
        constant("c" + std::to_string(number),
                 tensor(number, {2, 3}).text(4, std::string(6 * size_bytes(dtype), static_cast<char>(number)))));
  }
  const auto file = graph(constants).bytes();
  const auto parsed = parse(file);
  EXPECT_EQ(parsed.format, FormatId::TensorflowGraph);
  EXPECT_EQ(parsed.opaque_bytes, 0u);
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), types.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    EXPECT_EQ(layers[i].name, "c" + std::to_string(types[i].first));
    EXPECT_EQ(layers[i].dtype, types[i].second);
    EXPECT_EQ(layers[i].shape, (Shape{2, 3}));
    EXPECT_EQ(slice(file, layers[i]), std::string(layers[i].length_bytes, static_cast<char>(types[i].first)));
  }
}

TEST(TensorflowGraph, packed_lists_are_layers_if_they_have_all_numbers) {
  const auto floats = raw(std::vector{1.0F, 2.0F, 3.0F, 4.0F});
  const auto doubles = raw(std::vector{1.0, 2.0});
  const auto layers = layers_of(parse(
      graph({constant("f", tensor(1, {4}).text(5, floats)), constant("filled", tensor(1, {64, 64}).text(5, floats)),
             constant("d", tensor(2, {2}).text(6, doubles)), constant("c", tensor(8, {2}).text(9, floats)),
             constant("z", tensor(18, {}).text(12, doubles)), constant("e", tensor(25, {3}).text(18, "123"))})
          .bytes()));
  ASSERT_EQ(layers.size(), 5u);
  EXPECT_EQ(layers[0].name, "f");
  EXPECT_EQ(layers[1].name, "d");
  EXPECT_EQ(layers[2].dtype, DType::C64);
  EXPECT_TRUE(layers[3].shape.empty());
  EXPECT_EQ(layers[4].dtype, DType::F8E4M3);
}

TEST(TensorflowGraph, large_lists_of_varints_or_single_numbers_are_opaque) {
  auto loose = tensor(1, {300});
  for (int i = 0; i < 300; ++i) loose.fixed32(5, 0.5F);
  const auto parsed =
      parse(graph({constant("axis", tensor(3, {}).packed(7, {1})),
                   constant("half", tensor(19, {1000}).packed(13, Shape(1000, 15360))), constant("loose", loose),
                   constant("s", tensor(7, {1}).text(8, std::string(2000, 's')))})
                .bytes());
  EXPECT_TRUE(layers_of(parsed).empty());
  EXPECT_EQ(parsed.opaque_bytes, 2000u + 1200u);
  EXPECT_EQ(parsed.opaque_reason, "tensorflow-graph: 2 of 3 arrays are not stored as plain numbers");
}

TEST(TensorflowGraph, constants_without_elements_keep_their_names_and_shapes) {
  const auto layers = layers_of(parse(graph({constant("e", tensor(9, {0, 2}))}).bytes()));
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].name, "e");
  EXPECT_EQ(layers[0].shape, (Shape{0, 2}));
}

TEST(TensorflowGraph, other_attributes_and_functions_have_a_path) {
  const auto value = tensor(1, {1}).text(4, "1234");
  auto main = graph({node("n", "Any", {attribute("initial", Message().message(8, value))})});
  main.message(2, Message().message(
                      1, Message().message(3, constant("c", value)).message(1, Message().text(1, "__inference_1"))));
  const auto layers = layers_of(parse(main.bytes()));
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, "n/initial");
  EXPECT_EQ(layers[1].name, "__inference_1/c");
}

TEST(TensorflowGraph, reads_the_graphs_of_a_saved_model) {
  const auto main = graph({constant("c", tensor(1, {1}).text(4, "1234"))});
  const auto meta =
      Message().message(1, Message().text(4, "serve").text(5, "2.9.1")).message(2, main).message(5, Message());
  const auto parsed = parse(Message().number(1, 1).message(2, meta).bytes());
  EXPECT_EQ(parsed.format, FormatId::TensorflowGraph);
  ASSERT_EQ(layers_of(parsed).size(), 1u);
  EXPECT_EQ(layers_of(parsed)[0].name, "c");
}

TEST(TensorflowGraph, matches_the_nodes_of_a_graph) {
  const auto of_node = [](const Message& a_node) { return is_recognized(Message().message(1, a_node).bytes()); };
  const std::vector type{attribute("dtype", Message().number(6, 1))};
  EXPECT_TRUE(of_node(node("x", "Any", type)));
  EXPECT_TRUE(is_recognized(Message().message(4, Message().number(1, 9)).message(1, node("x", "Any", type)).bytes()));
  EXPECT_FALSE(is_recognized(Message().message(4, Message().number(1, 9)).bytes())) << "no node";
  EXPECT_FALSE(of_node(node("x", "Any"))) << "no attribute";
  EXPECT_FALSE(of_node(Message().text(1, "x").message(5, type[0]))) << "no operation";
  EXPECT_FALSE(of_node(node("x", "lower", type))) << "no name of an operation";
  EXPECT_FALSE(of_node(node("a\nb", "Any", type))) << "no name of a node";
  EXPECT_FALSE(of_node(Message().text(1, "x").text(2, "Any").number(3, 1).message(5, type[0])))
      << "a number for an input";
  EXPECT_FALSE(of_node(node("x", "Any", {Message().text(2, "?")}))) << "no key";
  EXPECT_FALSE(of_node(node("x", "Any", {Message().text(1, "key").fixed32(2, 1.0F)}))) << "no value";
  EXPECT_FALSE(is_recognized(Message().message(1, node("x", "Any", type)).number(9, 1).bytes())) << "an unknown field";
}

TEST(TensorflowGraph, does_not_match_other_formats) {
  const auto onnx_graph = Message().message(1, Message().text(1, "x").text(2, "Y").text(3, "n").text(4, "Relu").message(
                                                   5, Message().text(1, "alpha").fixed32(2, 0.5F)));
  const auto descriptors =
      Message().message(1, Message()
                               .text(1, "a/b.proto")
                               .text(2, "Tensors")
                               .text(3, "c.proto")
                               .message(4, Message().text(1, "M").message(2, Message().text(1, "f"))));
  const auto example = Message().message(1, Message().message(1, Message().text(1, "key").message(2, Message())));
  const auto caffe = Message().text(1, "Net").message(100, Message().text(1, "conv").text(2, "Convolution"));
  const auto pieces = Message().message(1, Message().text(1, "<unk>").fixed32(2, 0.0F).number(3, 2));
  for (const std::string& file :
       {std::string(), std::string("\n"), std::string("\n\n# A model\n"), std::string("{\"a\": [1, 2]}"),
        std::string(64, '\0'), std::string("\x08\x01"), onnx_graph.bytes(), descriptors.bytes(), example.bytes(),
        caffe.bytes(), pieces.bytes()}) {
    EXPECT_FALSE(is_recognized(file)) << file;
  }
}

TEST(TensorflowGraph, a_file_cut_short_matches_and_is_refused) {
  const auto file = graph({constant("a", tensor(1, {64}).text(4, std::string(256, 'a'))),
                           constant("b", tensor(1, {64}).text(4, std::string(256, 'b')))})
                        .bytes();
  const auto parsed = parse(file.substr(0, file.size() - 100));
  EXPECT_EQ(parsed.opaque_reason.find("tensorflow-graph: field 1 passes the end of its message (at byte "), 0u)
      << parsed.opaque_reason;
  for (std::size_t n = 1; n < file.size(); ++n) parse(file.substr(0, n));
}

TEST(TensorflowGraph, damaged_constants_are_refused_with_the_reason) {
  const std::string error = "tensorflow-graph: ";
  EXPECT_EQ(error_in(tensor(1, {~std::uint64_t{0}}).text(4, "1234")), error + "layer 'w' has a negative dimension");
  EXPECT_EQ(error_in(tensor(1, {1ULL << 40, 1ULL << 40}).text(4, "1234")),
            error + "layer 'w' has a shape whose size overflows");
  EXPECT_EQ(error_in(tensor(1, {3}).text(4, "1234")), error + "layer 'w' has 4 bytes, but its dtype and shape need 12");
  EXPECT_EQ(error_in(tensor(1, Shape(255, 1)).text(4, "1234")), error + "a tensor has more than 254 dimensions");
  EXPECT_EQ(error_in(Message().number(1, 1).message(2, Message().number(3, 1)).text(4, "1234")),
            error + "a tensor has an unknown shape");
  EXPECT_EQ(error_in(Message().append("\x0B")).find(error + "a field has the wire type 3 (at byte "), 0u);
  EXPECT_EQ(error_in(Message().append("\x22" + varint(std::uint64_t{1} << 60)))
                .find(error + "field 4 passes the end of its message"),
            0u);
}

}  // namespace
}  // namespace elves::formats
