#include "formats/onnx/model.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "formats/onnx/data_type.hpp"
#include "formats/onnx/fields.hpp"
#include "formats/shared/protobuf/array_list.hpp"
#include "support/try.hpp"

namespace elves::formats::onnx {
namespace {

using protobuf::ByteRange;
using protobuf::find_text;
using protobuf::for_each_field;
using protobuf::join_path;
using protobuf::read_text;
using protobuf::WireField;
using protobuf::WireType;

constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxDimensions = 64;
constexpr std::size_t kMaxExternalKeys = 16;

struct Node {
  std::string name;
  std::string output;
  std::string op_type;
  std::vector<ByteRange> attributes;

  const std::string& label() const { return !name.empty() ? name : !output.empty() ? output : op_type; }
};

bool holds_numbers(Number field) {
  return field == tensor::kFloatData || field == tensor::kInt32Data || field == tensor::kInt64Data ||
         field == tensor::kRawData || field == tensor::kDoubleData || field == tensor::kUint64Data;
}

class Walk {
 public:
  Walk(const ByteSource& file, const VisitTensor& visit) : file_(file), whole_{0, file.size_bytes()}, visit_(visit) {}

  Result<void> model() {
    std::size_t n_training = 0;
    return for_each_field(file_, whole_, [&](const WireField& field) -> Result<void> {
      if (field.is(model::kGraph, WireType::Bytes)) return graph(field.range, "", 0);
      if (field.is(model::kFunctions, WireType::Bytes)) return function(field.range);
      if (field.is(model::kTrainingInfo, WireType::Bytes)) {
        return training(field.range, fmt::format("training_info/{}", n_training++));
      }
      return {};
    });
  }

 private:
  Result<void> training(ByteRange range, const std::string& path) {
    return for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      if (field.is(training::kInitialization, WireType::Bytes)) return graph(field.range, path + "/initialization", 0);
      if (field.is(training::kAlgorithm, WireType::Bytes)) return graph(field.range, path + "/algorithm", 0);
      return {};
    });
  }

  Result<void> function(ByteRange range) {
    std::string name;
    ELVES_CHECK(find_text(file_, range, function::kName, name));
    const auto path = join_path("", name);
    return for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      if (field.is(function::kNode, WireType::Bytes)) return node(field.range, path, 0);
      return {};
    });
  }

  Result<void> graph(ByteRange range, const std::string& path, int depth) {
    if (depth > kMaxDepth) return Error{fmt::format("graphs are nested more than {} deep", kMaxDepth)};
    return for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      if (field.is(graph::kNode, WireType::Bytes)) return node(field.range, path, depth);
      if (field.is(graph::kInitializer, WireType::Bytes)) return initializer(field.range, path);
      if (field.is(graph::kSparseInitializer, WireType::Bytes)) return sparse_initializer(field.range, path);
      return {};
    });
  }

  Result<void> initializer(ByteRange range, const std::string& path) {
    Tensor found;
    ELVES_CHECK(read_tensor(range, found));
    if (!path.empty()) found.name = path + "/" + found.name;
    return visit_(std::move(found));
  }

  /// Its name is that of its values.
  Result<void> sparse_initializer(ByteRange range, const std::string& path) {
    std::string name;
    ELVES_CHECK(for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      if (!field.is(sparse::kValues, WireType::Bytes)) return {};
      return find_text(file_, field.range, tensor::kName, name);
    }));
    return sparse_tensor(range, join_path(path, name));
  }

  Result<void> node(ByteRange range, const std::string& path, int depth) {
    Node found;
    ELVES_CHECK(for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      if (field.is(node::kName, WireType::Bytes)) return read_text(file_, field.range, found.name);
      if (field.is(node::kOpType, WireType::Bytes)) return read_text(file_, field.range, found.op_type);
      const bool is_first_output = field.is(node::kOutput, WireType::Bytes) && found.output.empty();
      if (is_first_output) return read_text(file_, field.range, found.output);
      if (field.is(node::kAttribute, WireType::Bytes)) found.attributes.push_back(field.range);
      return {};
    }));
    for (const auto& each : found.attributes) {
      ELVES_CHECK(attribute(each, found, path, depth));
    }
    return {};
  }

  Result<void> attribute(ByteRange range, const Node& of, const std::string& node_path, int depth) {
    std::string name;
    ELVES_CHECK(find_text(file_, range, attribute::kName, name));
    const bool is_output = of.op_type == "Constant" && (name == "value" || name == "sparse_value");
    const auto path = is_output ? join_path(node_path, of.output) : join_path(join_path(node_path, of.label()), name);
    std::size_t n_listed = 0;
    const auto listed = [&] { return fmt::format("{}/{}", path, n_listed++); };
    Tensor floats;
    auto walked = for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      if (field.number == attribute::kFloats) floats.numbers.add(field);
      if (field.type != WireType::Bytes) return {};
      switch (field.number) {
        case attribute::kTensor:
          return tensor(field.range, path);
        case attribute::kTensors:
          return tensor(field.range, listed());
        case attribute::kGraph:
          return graph(field.range, path, depth + 1);
        case attribute::kGraphs:
          return graph(field.range, listed(), depth + 1);
        case attribute::kSparse:
          return sparse_tensor(field.range, path);
        case attribute::kSparses:
          return sparse_tensor(field.range, listed());
        default:
          return {};
      }
    });
    if (!walked || floats.numbers.n_bytes == 0) return walked;
    floats.numbers.field = tensor::kFloatData;
    floats.data_type = data_type::kFloat;
    floats.shape = {floats.numbers.n_bytes / sizeof(float)};
    floats.name = path;
    return visit_(std::move(floats));
  }

  Result<void> sparse_tensor(ByteRange range, const std::string& name) {
    return for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      if (field.is(sparse::kValues, WireType::Bytes)) return tensor(field.range, name);
      if (field.is(sparse::kIndices, WireType::Bytes)) return tensor(field.range, name + "/indices");
      return {};
    });
  }

  Result<void> tensor(ByteRange range, std::string name) {
    Tensor found;
    ELVES_CHECK(read_tensor(range, found));
    found.name = std::move(name);
    return visit_(std::move(found));
  }

  Result<void> read_tensor(ByteRange range, Tensor& found) {
    found.numbers.end_bytes = range.end_bytes();
    return for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      if (field.number == tensor::kDims) return protobuf::read_integers(file_, field, found.shape, kMaxDimensions);
      if (field.is(tensor::kDataType, WireType::Varint)) found.data_type = field.value;
      if (field.is(tensor::kDataLocation, WireType::Varint)) found.is_external = field.value == 1;
      if (field.is(tensor::kName, WireType::Bytes)) return read_text(file_, field.range, found.name);
      if (field.is(tensor::kExternalData, WireType::Bytes)) return external_entry(field.range, found);
      if (field.number == tensor::kSegment) found.is_segment = true;
      if (holds_numbers(field.number)) found.numbers.add(field);
      return {};
    });
  }

  Result<void> external_entry(ByteRange range, Tensor& found) {
    std::string key;
    std::string value;
    ELVES_CHECK(find_text(file_, range, entry::kKey, key));
    ELVES_CHECK(find_text(file_, range, entry::kValue, value));
    if (found.external_data.size() < kMaxExternalKeys) found.external_data[key] = value;
    return {};
  }

  SourceCursor file_;
  ByteRange whole_;
  const VisitTensor& visit_;
};

}  // namespace

Result<void> for_each_tensor(const ByteSource& file, const VisitTensor& visit) {
  return Walk(file, visit).model();
}

}  // namespace elves::formats::onnx
