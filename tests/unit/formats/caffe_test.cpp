#include "formats/caffe/caffe.hpp"

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
  return kCaffe.matches(MemorySource(bytes_of(file)));
}

Message blob(const Shape& dims) {
  return Message().message(7, Message().packed(1, dims));
}

Message layer(std::string_view name, std::string_view type, const std::vector<Message>& blobs = {}) {
  auto message = Message().text(1, name).text(2, type).text(3, "x").text(4, "y").number(10, 1);
  for (const auto& each : blobs) message.message(7, each);
  return message;
}

Message layer_v1(std::string_view name, std::uint64_t type, const std::vector<Message>& blobs = {}) {
  auto message = Message().text(2, "x").text(3, "y").text(4, name).number(5, type);
  for (const auto& each : blobs) message.message(6, each);
  return message;
}

Message net() {
  return Message().text(1, "Net").text(3, "data").numbers(4, {1, 3, 8, 8}).message(8, Message().packed(1, {1, 3}));
}

std::string error_in(const Message& a_blob) {
  const auto parsed = parse(net().message(100, layer("ip", "InnerProduct", {a_blob})).bytes());
  EXPECT_EQ(parsed.format, FormatId::Plain);
  return parsed.opaque_reason;
}

const std::string kFloats = raw(std::vector{1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F});

TEST(Caffe, blobs_are_layers_named_by_layer_and_number) {
  const auto file =
      net()
          .message(100, layer("input", "Input"))
          .message(100, layer("conv1", "Convolution", {blob({2, 3}).text(5, kFloats), blob({1}).text(5, "1234")}))
          .message(100, layer("bn", "BatchNorm", {blob({2}).text(8, std::string(16, 'd'))}))
          .bytes();
  const auto parsed = parse(file);
  EXPECT_EQ(parsed.format, FormatId::Caffe);
  EXPECT_EQ(parsed.opaque_bytes, 0u);
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), 3u);
  EXPECT_EQ(layers[0].name, "conv1.0");
  EXPECT_EQ(layers[0].shape, (Shape{2, 3}));
  EXPECT_EQ(layers[0].dtype, DType::F32);
  EXPECT_EQ(slice(file, layers[0]), kFloats);
  EXPECT_EQ(layers[1].name, "conv1.1");
  EXPECT_EQ(layers[2].name, "bn.0");
  EXPECT_EQ(layers[2].dtype, DType::F64);
}

TEST(Caffe, reads_layers_of_version_1_and_shapes_of_four_numbers) {
  const auto old = Message().number(1, 1).number(2, 1).number(3, 2).number(4, 3).text(5, kFloats);
  const auto parsed = parse(net().message(2, layer_v1("data", 5)).message(2, layer_v1("ip", 14, {old})).bytes());
  EXPECT_EQ(parsed.format, FormatId::Caffe);
  const auto layers = layers_of(parsed);
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].name, "ip.0");
  EXPECT_EQ(layers[0].shape, (Shape{1, 1, 2, 3}));
}

TEST(Caffe, gradients_are_layers_of_their_own) {
  const auto layers = layers_of(
      parse(net().message(100, layer("ip", "InnerProduct", {blob({6}).text(5, kFloats).text(6, kFloats)})).bytes()));
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].name, "ip.0");
  EXPECT_EQ(layers[1].name, "ip.0.diff");
}

TEST(Caffe, numbers_stored_one_by_one_are_opaque) {
  auto loose = blob({400});
  for (int i = 0; i < 400; ++i) loose.fixed32(5, 1.0F);
  const auto parsed = parse(net().message(100, layer("ip", "InnerProduct", {loose, blob({0})})).bytes());
  ASSERT_EQ(layers_of(parsed).size(), 1u) << "the one without elements";
  EXPECT_EQ(parsed.opaque_bytes, 1600u);
  EXPECT_EQ(parsed.opaque_reason, "caffe: 1 of 2 arrays are not stored as plain numbers");
}

TEST(Caffe, matches_a_net_with_a_first_layer) {
  EXPECT_TRUE(is_recognized(net().message(100, layer("a", "Input")).bytes()));
  EXPECT_TRUE(is_recognized(Message().message(100, layer("a", "Input")).bytes())) << "a net without a name";
  EXPECT_TRUE(is_recognized(net().message(2, layer_v1("a", 5)).bytes()));
  EXPECT_FALSE(is_recognized(net().bytes())) << "no layers";
  EXPECT_FALSE(is_recognized(net().message(100, layer("a", "lower")).bytes())) << "no type";
  EXPECT_FALSE(is_recognized(net().message(100, layer("", "Input")).bytes())) << "no name";
  EXPECT_FALSE(is_recognized(net().message(2, layer_v1("a", 500)).bytes())) << "no type of version 1";
  EXPECT_FALSE(is_recognized(net().number(50, 1).message(100, layer("a", "Input")).bytes())) << "an unknown field";
  const auto caffe2 = Message().text(1, "net").message(2, Message().text(1, "x").text(2, "y").text(4, "Conv"));
  const auto graph_def = Message().message(1, Message().text(1, "x").text(2, "Placeholder"));
  for (const std::string& file : {std::string(), std::string("\n"), std::string("text: {}"), std::string(64, '\0'),
                                  caffe2.bytes(), graph_def.bytes()}) {
    EXPECT_FALSE(is_recognized(file)) << file;
  }
}

TEST(Caffe, a_file_cut_short_matches_and_is_refused) {
  const auto file = net()
                        .message(100, layer("input", "Input"))
                        .message(100, layer("ip", "InnerProduct", {blob({6}).text(5, kFloats)}))
                        .bytes();
  const auto parsed = parse(file.substr(0, file.size() - 4));
  EXPECT_EQ(parsed.opaque_reason.find("caffe: field 100 passes the end of its message (at byte "), 0u)
      << parsed.opaque_reason;
  for (std::size_t n = 1; n < file.size(); ++n) parse(file.substr(0, n));
}

TEST(Caffe, damaged_blobs_are_refused_with_the_reason) {
  EXPECT_EQ(error_in(blob({~std::uint64_t{0}}).text(5, "1234")), "caffe: layer 'ip.0' has a negative dimension");
  EXPECT_EQ(error_in(blob({1ULL << 40, 1ULL << 40}).text(5, "1234")),
            "caffe: layer 'ip.0' has a shape whose size overflows");
  EXPECT_EQ(error_in(blob({2}).text(5, "1234")), "caffe: layer 'ip.0' has 4 bytes, but its dtype and shape need 8");
  EXPECT_EQ(error_in(blob(Shape(33, 1)).text(5, "1234")), "caffe: more than 32 numbers in a list");
  EXPECT_EQ(error_in(Message().append("\x2A" + varint(std::uint64_t{1} << 60)))
                .find("caffe: field 5 passes the end of its message"),
            0u);
}

}  // namespace
}  // namespace elves::formats
