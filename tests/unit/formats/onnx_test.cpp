#include "formats/onnx/onnx.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>

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
using onnx_builder::tensor;
using Shape = std::vector<std::uint64_t>;

std::string random_bytes(std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string bytes(n, '\0');
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random()); });
  return bytes;
}

ParsedFile parse(const std::string& file) {
  auto parsed = parse_file(MemorySource(bytes_of(file)));
  EXPECT_EQ(partition_flaw(parsed, file.size()), "") << parsed.opaque_reason;
  return parsed;
}

std::vector<std::string> names_in(const std::string& file) {
  const auto parsed = parse(file);
  EXPECT_EQ(parsed.format, FormatId::Onnx) << parsed.opaque_reason;
  std::vector<std::string> names;
  for (const auto& layer : layers_of(parsed)) names.push_back(layer.name);
  return names;
}

std::string error_in(const std::string& file) {
  const auto parsed = parse(file);
  EXPECT_EQ(parsed.format, FormatId::Plain);
  return parsed.opaque_reason;
}

bool is_recognized(const std::string& file) {
  return kOnnx.matches(MemorySource(bytes_of(file)));
}

TEST(Onnx, reads_every_type_in_raw_data) {
  const std::vector<std::pair<std::uint64_t, DType>> types{
      {1, DType::F32},     {2, DType::U8},          {3, DType::I8},      {4, DType::U16},         {5, DType::I16},
      {6, DType::I32},     {7, DType::I64},         {9, DType::Bool},    {10, DType::F16},        {11, DType::F64},
      {12, DType::U32},    {13, DType::U64},        {14, DType::C64},    {15, DType::C128},       {16, DType::BF16},
      {17, DType::F8E4M3}, {18, DType::F8E4M3FNUZ}, {19, DType::F8E5M2}, {20, DType::F8E5M2FNUZ}, {24, DType::F8E8M0}};
  std::vector<Message> tensors;
  std::vector<std::string> contents;
  for (const auto& [number, dtype] : types) {
    contents.push_back(random_bytes(6 * size_bytes(dtype), number));
    tensors.push_back(tensor("t" + std::to_string(number), number, {2, 3}, contents.back()));
  }
  const auto file = model_file(tensors);
  const auto parsed = parse(file);
  EXPECT_EQ(parsed.format, FormatId::Onnx);
  EXPECT_EQ(parsed.opaque_bytes, 0u);
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), types.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    EXPECT_EQ(layers[i].name, "t" + std::to_string(types[i].first));
    EXPECT_EQ(layers[i].dtype, types[i].second);
    EXPECT_EQ(layers[i].shape, (Shape{2, 3}));
    EXPECT_FALSE(layers[i].lossless);
    EXPECT_EQ(slice(file, layers[i]), contents[i]);
  }
}

TEST(Onnx, packed_lists_of_floats_are_layers) {
  const auto floats = raw(std::vector{1.0F, 2.0F, 3.0F, 4.0F});
  const auto doubles = raw(std::vector{1.0, 2.0});
  const auto file = model_file({tensor("f", 1, {4}).text(4, floats), tensor("c", 14, {2}).text(4, floats),
                                tensor("d", 11, {2}).text(10, doubles), tensor("z", 15, {}).text(10, doubles)});
  const auto layers = layers_of(parse(file));
  ASSERT_EQ(layers.size(), 4u);
  EXPECT_EQ(slice(file, layers[0]), floats);
  EXPECT_EQ(layers[1].dtype, DType::C64);
  EXPECT_EQ(slice(file, layers[2]), doubles);
  EXPECT_EQ(layers[3].dtype, DType::C128);
  EXPECT_TRUE(layers[3].shape.empty());
}

TEST(Onnx, dimensions_may_be_packed) {
  const auto layers = layers_of(
      parse(model_file({Message().packed(1, {2, 300}).number(2, 2).text(8, "w").text(9, std::string(600, 'x'))})));
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].shape, (Shape{2, 300}));
}

TEST(Onnx, large_lists_of_varints_or_single_numbers_are_opaque) {
  Message loose = tensor("loose", 1, {300});
  for (int i = 0; i < 300; ++i) loose.fixed32(4, 0.5F);
  const auto file = model_file({tensor("axes", 7, {2}).packed(7, {1, 2}),
                                tensor("half", 10, {1000}).packed(5, std::vector<std::uint64_t>(1000, 15360)),
                                tensor("u", 13, {1}).packed(11, {9}), loose, tensor("w", 1, {2}, random_bytes(8, 1))});
  const auto parsed = parse(file);
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].name, "w");
  EXPECT_EQ(parsed.opaque_bytes, 2000u + 1200u);
  EXPECT_EQ(parsed.opaque_reason, "onnx: 2 of 5 arrays are not stored as plain numbers");
}

TEST(Onnx, four_bit_types_segments_and_numbers_in_two_pieces_are_no_layers) {
  const auto halves = tensor("two", 1, {512}).text(4, std::string(1024, 'a')).text(4, std::string(1024, 'b'));
  const auto parsed =
      parse(model_file({tensor("q", onnx_builder::kInt4, {4096}, std::string(2048, 'q')),
                        tensor("s", 1, {512}, std::string(2048, 's')).message(3, Message().number(1, 0)), halves}));
  EXPECT_TRUE(layers_of(parsed).empty());
  EXPECT_EQ(parsed.opaque_bytes, 3u * 2048u);
  EXPECT_EQ(parsed.opaque_reason, "onnx: 3 of 3 arrays are not stored as plain numbers");
}

TEST(Onnx, strings_and_external_data_are_ignored) {
  const auto parsed =
      parse(model_file({tensor("s", 8, {1}).text(6, std::string(5000, 's')),
                        external("e", 1, {1 << 20}, {{"location", "w.bin"}}), tensor("w", 1, {1}, "1234")}));
  EXPECT_EQ(layers_of(parsed).size(), 1u);
  EXPECT_EQ(parsed.opaque_reason, "");
}

TEST(Onnx, arrays_without_elements_keep_their_names_and_shapes) {
  const auto parsed = parse(model_file({tensor("before", 1, {2}, random_bytes(8, 1)), tensor("none", 1, {0, 3}),
                                        tensor("zero", 7, {3, 0}, ""), tensor("after", 1, {2}, random_bytes(8, 2))}));
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), 4u);
  EXPECT_EQ(layers[1].name, "none");
  EXPECT_EQ(layers[1].shape, (Shape{0, 3}));
  EXPECT_EQ(layers[2].name, "zero");
  EXPECT_EQ(layers[2].length_bytes, 0u);
}

TEST(Onnx, a_tensor_without_numbers_is_no_layer) {
  EXPECT_EQ(names_in(model_file({tensor("gone", 1, {3}), tensor("w", 1, {1}, "1234")})),
            (std::vector<std::string>{"w"}));
}

TEST(Onnx, constants_are_named_by_output_and_other_tensors_by_node_and_attribute) {
  const auto value = tensor("ignored", 1, {1}, "1234");
  EXPECT_EQ(names_in(model(graph({constant("const_1", value),
                                  node("ConstantOfShape", "Fill_3", {attribute("value", 5, value)}),
                                  node("Any", "", {attribute("a", 5, value)}, "out"),
                                  node("Any", "n", {Message().text(1, "list").message(10, value).message(10, value)})}))
                         .bytes()),
            (std::vector<std::string>{"const_1", "Fill_3/value", "out/a", "n/list/0", "n/list/1"}));
}

TEST(Onnx, a_name_may_come_last) {
  const auto value = tensor("", 1, {1}, "1234");
  const auto late =
      Message().message(5, Message().message(5, value).text(1, "value")).text(4, "Constant").text(2, "out");
  EXPECT_EQ(names_in(model(graph({node("Relu", ""), late},
                                 {Message().text(9, "1234").text(8, "w").number(2, 1).number(1, 1)}))
                         .bytes()),
            (std::vector<std::string>{"out", "w"}));
}

TEST(Onnx, tensors_in_subgraphs_have_the_path_of_node_and_attribute) {
  const auto weight = tensor("conv.weight", 1, {1}, "1234");
  const auto branch = graph({constant("c", weight)}, {weight});
  const auto loop = graph({node("Loop", "Loop_2", {attribute("body", 6, branch)})});
  const auto several = Message().text(1, "graphs").message(11, branch).message(11, branch);
  EXPECT_EQ(
      names_in(
          model(graph({node("If", "If_0", {attribute("then_branch", 6, branch), attribute("else_branch", 6, loop)}),
                       node("Many", "", {several}, "many")}))
              .bytes()),
      (std::vector<std::string>{"If_0/then_branch/c", "If_0/then_branch/conv.weight", "If_0/else_branch/Loop_2/body/c",
                                "If_0/else_branch/Loop_2/body/conv.weight", "many/graphs/0/c",
                                "many/graphs/0/conv.weight", "many/graphs/1/c", "many/graphs/1/conv.weight"}));
}

TEST(Onnx, tensors_in_functions_and_training_graphs_are_found) {
  const auto value = tensor("", 1, {1}, "1234");
  auto file = model(graph({node("Relu", "")}));
  file.message(25, Message().text(1, "Half").message(7, constant("c", value)).text(10, "mine"));
  const auto training = graph({}, {tensor("lr", 1, {1}, "1234")});
  file.message(20, Message().message(1, training).message(2, training)).message(20, Message().message(2, training));
  EXPECT_EQ(names_in(file.bytes()),
            (std::vector<std::string>{"Half/c", "training_info/0/initialization/lr", "training_info/0/algorithm/lr",
                                      "training_info/1/algorithm/lr"}));
}

TEST(Onnx, a_sparse_tensor_is_its_values_and_its_indices) {
  const auto sparse = [](std::string_view name) {
    return Message().message(1, tensor(name, 1, {2}, "12345678")).message(2, tensor("", 7, {2}, std::string(16, 'i')));
  };
  auto main = graph({node("Constant", "", {attribute("sparse_value", 22, sparse("x"))}, "c"),
                     node("Any", "n", {Message().text(1, "list").message(23, sparse("x"))})});
  main.message(15, sparse("embedding"));
  EXPECT_EQ(names_in(model(main).bytes()), (std::vector<std::string>{"c", "c/indices", "n/list/0", "n/list/0/indices",
                                                                     "embedding", "embedding/indices"}));
}

TEST(Onnx, packed_lists_of_floats_in_attributes_are_layers) {
  const auto packed = Message().text(1, "weights").text(7, raw(std::vector{1.0F, 2.0F, 3.0F}));
  Message loose = Message().text(1, "loose");
  for (int i = 0; i < 400; ++i) loose.fixed32(7, 1.0F);
  const auto parsed = parse(model(graph({node("Tree", "t", {packed, loose})})).bytes());
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].name, "t/weights");
  EXPECT_EQ(layers[0].shape, (Shape{3}));
  EXPECT_EQ(parsed.opaque_bytes, 1600u);
}

TEST(Onnx, long_paths_are_cut) {
  const auto branch = graph({}, {tensor("w", 1, {1}, "1234")});
  const auto names =
      names_in(model(graph({node("If", std::string(60'000, 'n'), {attribute("then", 6, branch)})})).bytes());
  ASSERT_EQ(names.size(), 1u);
  EXPECT_EQ(names[0], std::string(512, 'n') + "/w");
}

TEST(Onnx, unknown_fields_and_wrong_wire_types_are_ignored) {
  auto weight = tensor("w", 1, {1}, "1234");
  weight.number(99, 1).fixed64(98, 2.0).text(97, "later").number(9, 77).fixed32(8, 1.0F);
  const auto parsed =
      parse(model(graph({node("Relu", "")}, {weight}).number(5, 3)).number(7, 1).text(90, "later").bytes());
  const auto layers = layers_of(parsed);
  EXPECT_EQ(parsed.format, FormatId::Onnx) << parsed.opaque_reason;
  EXPECT_TRUE(layers.empty()) << "raw_data twice, once as a number: not in one piece";
}

TEST(Onnx, matches_the_fields_of_a_model) {
  const auto main = graph({node("Relu", "")});
  EXPECT_TRUE(is_recognized(model(main).bytes()));
  EXPECT_TRUE(is_recognized(Message().message(8, Message().number(2, 9)).message(7, main).number(1, 3).bytes()));
  EXPECT_TRUE(is_recognized(model(graph({}, {tensor("w", 1, {1}, "1234")})).bytes())) << "no nodes";
  EXPECT_FALSE(is_recognized(Message().message(7, main).bytes())) << "no ir_version";
  EXPECT_FALSE(is_recognized(Message().number(1, 8).bytes())) << "no graph";
  EXPECT_FALSE(is_recognized(Message().number(1, 8).number(7, 1).bytes())) << "the graph is a number";
  EXPECT_FALSE(is_recognized(Message().number(1, 8).message(7, Message()).bytes())) << "an empty graph";
  EXPECT_FALSE(is_recognized(Message().number(1, 8).number(50, 1).message(7, main).bytes())) << "an unknown field";
  EXPECT_FALSE(is_recognized(Message().number(1, 8).text(2, "a\nb").message(7, main).bytes())) << "no name";
  EXPECT_FALSE(is_recognized(Message().number(1, 1 << 20).message(7, main).bytes())) << "no version";
  EXPECT_FALSE(is_recognized(model(Message().message(1, Message().text(1, "x").text(2, "y"))).bytes()))
      << "no operator";
}

TEST(Onnx, does_not_match_other_formats) {
  const auto saved_model = Message().number(1, 1).message(2, Message().message(1, Message().text(5, "2.9")));
  const auto core_ml = Message().number(1, 4).message(2, Message().message(1, Message().text(1, "input")));
  for (const std::string& file :
       {std::string(), std::string("\n"), std::string("# A model\n\nText."), std::string("{\"a\": [1, 2]}"),
        std::string("\x89PNG\r\n\x1A\n"), std::string(64, '\0'), std::string("\x08\x08\x12\x07pytorch"),
        saved_model.bytes(), core_ml.bytes(), graph({node("Relu", "")}).bytes()}) {
    EXPECT_FALSE(is_recognized(file)) << file;
  }
}

TEST(Onnx, a_file_cut_short_matches_and_is_refused) {
  const auto file = model_file({tensor("a", 1, {64}, random_bytes(256, 1)), tensor("b", 1, {4}, random_bytes(16, 2))});
  const auto graph_at = file.find("\x3A");
  int n_reported = 0;
  for (std::size_t n = 1; n < file.size(); ++n) {
    const auto parsed = parse(file.substr(0, n));
    if (n > graph_at + 20 && n + 5 < file.size()) {
      EXPECT_EQ(parsed.opaque_reason.find("onnx: "), 0u) << n << " " << parsed.opaque_reason;
      ++n_reported;
    }
  }
  EXPECT_GT(n_reported, 200);
  EXPECT_EQ(error_in(file.substr(0, 200)),
            "onnx: field 7 passes the end of its message (at byte " + std::to_string(graph_at) + ")");
}

TEST(Onnx, damaged_models_are_refused_with_the_reason) {
  EXPECT_EQ(error_in(model_file({tensor("w", 1, {~std::uint64_t{0}}, "1234")})),
            "onnx: layer 'w' has a negative dimension");
  EXPECT_EQ(error_in(model_file({tensor("w", 1, {~std::uint64_t{0}, 0})})), "onnx: layer 'w' has a negative dimension");
  EXPECT_EQ(error_in(model_file({tensor("w", 1, {1ULL << 40, 1ULL << 40}, "1234")})),
            "onnx: layer 'w' has a shape whose size overflows");
  EXPECT_EQ(error_in(model_file({tensor("w", 1, {3}, "1234")})),
            "onnx: layer 'w' has 4 bytes, but its dtype and shape need 12");
  EXPECT_EQ(error_in(model_file({tensor("w", 1, Shape(65, 1), "1234")})), "onnx: more than 64 numbers in a list");
  EXPECT_EQ(
      error_in(model_file({tensor(std::string(70'000, 'n'), 1, {1}, "1234")})).find("onnx: a text of 70000 bytes"), 0u);
  EXPECT_EQ(error_in(model_file({Message().append("\x0B")})).find("onnx: a field has the wire type 3 (at byte "), 0u);
  EXPECT_EQ(error_in(model_file({Message().append("\x08" + std::string(10, '\xFF') + "\x01")}))
                .find("onnx: a number of more than 64 bits (at byte "),
            0u);
  EXPECT_EQ(error_in(model_file({Message().append("\x4A" + varint(std::uint64_t{1} << 60))}))
                .find("onnx: field 9 passes the end of its message (at byte "),
            0u);
}

/// A model of nested If nodes, built from its end, so that the time is linear in its size.
std::string nested_model(int depth) {
  const auto head = [](std::uint32_t field, std::size_t n) { return varint(field << 3 | 2) + varint(n); };
  const auto before = Message().text(4, "If").bytes();
  const auto name = Message().text(1, "then").bytes();
  std::vector<std::string> heads;
  auto n = node("Relu", "").bytes().size() + head(1, node("Relu", "").bytes().size()).size();
  for (int i = 0; i < depth; ++i) {
    const auto to_graph = head(6, n);
    const auto to_attribute = head(5, name.size() + to_graph.size() + n);
    const auto node_bytes = before.size() + to_attribute.size() + name.size() + to_graph.size() + n;
    heads.push_back(head(1, node_bytes) + before + to_attribute + name + to_graph);
    n += heads.back().size();
  }
  auto file = Message().number(1, 8).bytes() + head(7, n);
  for (auto each = heads.rbegin(); each != heads.rend(); ++each) file += *each;
  return file + Message().message(1, node("Relu", "")).bytes();
}

TEST(Onnx, graphs_nested_a_hundred_thousand_deep_are_refused) {
  EXPECT_EQ(parse(nested_model(32)).format, FormatId::Onnx);
  EXPECT_EQ(error_in(nested_model(33)), "onnx: graphs are nested more than 32 deep");
  EXPECT_EQ(error_in(nested_model(100'000)), "onnx: graphs are nested more than 32 deep");
}

TEST(Onnx, more_than_a_million_arrays_are_refused) {
  std::string tensors;
  const auto one = Message().message(5, Message().number(1, 0).number(2, 1)).bytes();
  for (int i = 0; i < (1 << 20) + 1; ++i) tensors += one;
  const auto main = Message().message(1, node("Relu", "")).append(tensors);
  EXPECT_EQ(error_in(model(main).bytes()), "onnx: more than 1048576 arrays");
}

TEST(Onnx, a_model_of_a_hundred_thousand_constants_is_read_in_seconds) {
  constexpr int kNodes = 100'000;
  std::string nodes;
  for (int i = 0; i < kNodes; ++i) {
    nodes += Message().message(1, constant("c" + std::to_string(i), tensor("", 1, {1}, "1234"))).bytes();
  }
  const auto file = model(Message().append(nodes)).bytes();

  const auto start = std::chrono::steady_clock::now();
  const auto n_layers = layers_of(parse(file)).size();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;

  EXPECT_EQ(n_layers, static_cast<std::size_t>(kNodes));
  EXPECT_LT(took.count(), 20) << "linear work takes a fraction of a second; quadratic work takes minutes";
}

TEST(Onnx, a_file_with_any_byte_changed_is_still_partitioned) {
  const auto good =
      model(graph({node("If", "i", {attribute("then", 6, graph({constant("c", tensor("", 1, {2}, "12345678"))}))})},
                  {tensor("a", 1, {2, 2}, random_bytes(16, 3)), tensor("b", 7, {3}).packed(7, {1, 2, 3})}))
          .bytes();
  int damaged = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const unsigned flip : {0x01u, 0x10u, 0x80u, 0xFFu}) {
      auto file = good;
      file[at] = static_cast<char>(static_cast<unsigned char>(file[at]) ^ flip);
      damaged += parse(file).format == FormatId::Plain;
    }
  }
  EXPECT_GT(damaged, 100);
}

}  // namespace
}  // namespace elves::formats
