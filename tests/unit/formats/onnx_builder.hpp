#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unit/formats/protobuf_builder.hpp"

/// Messages of onnx.proto.
namespace elves::formats::onnx_builder {

inline constexpr std::uint64_t kFloat = 1, kInt64 = 7, kFloat16 = 10, kDouble = 11, kComplex64 = 14, kInt4 = 22;

inline Message tensor(std::string_view name, std::uint64_t type, const std::vector<std::uint64_t>& dims) {
  return Message().numbers(1, dims).number(2, type).text(8, name);
}

inline Message tensor(std::string_view name, std::uint64_t type, const std::vector<std::uint64_t>& dims,
                      std::string_view raw_data) {
  return tensor(name, type, dims).text(9, raw_data);
}

/// A tensor in another file; `entries` give its place.
inline Message external(std::string_view name, std::uint64_t type, const std::vector<std::uint64_t>& dims,
                        const std::vector<std::pair<std::string, std::string>>& entries) {
  auto message = tensor(name, type, dims);
  for (const auto& [key, value] : entries) message.message(13, Message().text(1, key).text(2, value));
  return message.number(14, 1);
}

inline Message attribute(std::string_view name, std::uint32_t field, const Message& value) {
  return Message().text(1, name).message(field, value);
}

inline Message node(std::string_view op_type, std::string_view name, const std::vector<Message>& attributes = {},
                    std::string_view output = "y") {
  auto message = Message().text(1, "x").text(2, output);
  if (!name.empty()) message.text(3, name);
  message.text(4, op_type);
  for (const auto& each : attributes) message.message(5, each);
  return message;
}

inline Message constant(std::string_view output, const Message& value) {
  return node("Constant", "", {attribute("value", 5, value)}, output);
}

inline Message graph(const std::vector<Message>& nodes, const std::vector<Message>& initializers = {}) {
  Message message;
  for (const auto& each : nodes) message.message(1, each);
  message.text(2, "graph");
  for (const auto& each : initializers) message.message(5, each);
  return message.message(11, Message().text(1, "x"));
}

inline Message model(const Message& a_graph) {
  return Message()
      .number(1, 8)
      .text(2, "pytorch")
      .text(3, "2.1")
      .message(7, a_graph)
      .message(8, Message().number(2, 17));
}

inline std::string model_file(const std::vector<Message>& initializers) {
  return model(graph({node("Relu", "")}, initializers)).bytes();
}

}  // namespace elves::formats::onnx_builder
