#include "formats/tensorflow_graph/tensorflow_graph.hpp"

#include <string>
#include <utility>

#include "formats/shared/protobuf/array_list.hpp"
#include "formats/tensorflow_graph/fields.hpp"
#include "formats/tensorflow_graph/recognize.hpp"
#include "formats/tensorflow_graph/types.hpp"
#include "support/try.hpp"

namespace elves::formats::tensorflow {
namespace {

using protobuf::ByteRange;
using protobuf::find_text;
using protobuf::for_each_field;
using protobuf::join_path;
using protobuf::WireField;
using protobuf::WireType;

/// A TensorProto, as it is in the file.
struct Tensor {
  std::uint64_t data_type = 0;
  std::vector<std::uint64_t> shape;
  protobuf::StoredNumbers numbers{};
};

bool holds_numbers(Number field) {
  return field >= tensor::kFirstNumbers && field <= tensor::kLastNumbers;
}

bool is_list_of(Number field, std::uint64_t type) {
  switch (field) {
    case tensor::kFloats:
      return type == data_type::kFloat;
    case tensor::kDoubles:
      return type == data_type::kDouble;
    case tensor::kComplex64s:
      return type == data_type::kComplex64;
    case tensor::kComplex128s:
      return type == data_type::kComplex128;
    case tensor::kFloat8s:
      return type == data_type::kFloat8E5M2 || type == data_type::kFloat8E4M3;
    default:
      return false;
  }
}

/// True if the numbers are stored as in memory. A list may be shorter than its shape: its last number is repeated.
bool is_plain(const Tensor& tensor, std::optional<DType> dtype) {
  if (tensor.numbers.field == tensor::kContent) return true;
  return dtype && is_list_of(tensor.numbers.field, tensor.data_type) &&
         layer_bytes(*dtype, tensor.shape) == tensor.numbers.n_bytes;
}

class Walk {
 public:
  explicit Walk(const ByteSource& file) : file_(file), whole_{0, file.size_bytes()} {}

  Result<FoundExtents> walk() {
    ELVES_CHECK(top());
    return arrays_.take_found();
  }

 private:
  /// A SavedModel begins with a number; a GraphDef contains only messages, or has that number in another field.
  Result<void> top() {
    const auto first = protobuf::WireReader(file_, whole_).next();
    const bool is_saved_model = first && first->is(saved_model::kSchemaVersion, WireType::Varint);
    return is_saved_model ? saved_model() : graph(whole_);
  }

  Result<void> saved_model() {
    return for_each_field(file_, whole_, [&](const WireField& field) -> Result<void> {
      if (!field.is(saved_model::kMetaGraph, WireType::Bytes)) return {};
      return for_each_field(file_, field.range, [&](const WireField& of_meta) -> Result<void> {
        return of_meta.is(meta_graph::kGraph, WireType::Bytes) ? graph(of_meta.range) : Result<void>();
      });
    });
  }

  Result<void> graph(ByteRange range) {
    return for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      if (field.is(graph::kNode, WireType::Bytes)) return node(field.range, "");
      if (field.is(graph::kLibrary, WireType::Bytes)) return library(field.range);
      return {};
    });
  }

  Result<void> library(ByteRange range) {
    return for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      return field.is(library::kFunction, WireType::Bytes) ? function(field.range) : Result<void>();
    });
  }

  Result<void> function(ByteRange range) {
    std::string name;
    ELVES_CHECK(for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      if (!field.is(function::kSignature, WireType::Bytes)) return {};
      return find_text(file_, field.range, signature::kName, name);
    }));
    const auto path = join_path("", name);
    return for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      return field.is(function::kNode, WireType::Bytes) ? node(field.range, path) : Result<void>();
    });
  }

  Result<void> node(ByteRange range, const std::string& path) {
    std::string name;
    ELVES_CHECK(find_text(file_, range, node::kName, name));
    name = join_path(path, name);
    return for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      return field.is(node::kAttribute, WireType::Bytes) ? attribute(field.range, name) : Result<void>();
    });
  }

  Result<void> attribute(ByteRange range, const std::string& node_name) {
    std::string key;
    ELVES_CHECK(find_text(file_, range, attribute::kKey, key));
    return for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      if (!field.is(attribute::kValue, WireType::Bytes)) return {};
      return for_each_field(file_, field.range, [&](const WireField& of_value) -> Result<void> {
        if (!of_value.is(value::kTensor, WireType::Bytes)) return {};
        return tensor(of_value.range, key == "value" ? node_name : join_path(node_name, key));
      });
    });
  }

  Result<void> tensor(ByteRange range, std::string name) {
    Tensor found;
    found.numbers.end_bytes = range.end_bytes();
    ELVES_CHECK(for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      if (field.is(tensor::kDType, WireType::Varint)) found.data_type = field.value;
      if (field.is(tensor::kShape, WireType::Bytes)) {
        ELVES_TRY(auto shape, read_shape(file_, field.range));
        found.shape = std::move(shape);
      }
      if (holds_numbers(field.number)) found.numbers.add(field);
      return {};
    }));
    if (found.data_type == data_type::kString) return {};
    const auto dtype = dtype_of(found.data_type);
    const bool are_plain = is_plain(found, dtype);
    arrays_.add(found.numbers, are_plain, dtype, std::move(name), std::move(found.shape));
    return {};
  }

  SourceCursor file_;
  ByteRange whole_;
  protobuf::ArrayList arrays_;
};

Result<FoundExtents> parse(const ByteSource& file) {
  return Walk(file).walk();
}

}  // namespace

}  // namespace elves::formats::tensorflow

namespace elves::formats {

constinit const Format kTensorflowGraph{.id = FormatId::TensorflowGraph,
                                        .name = "tensorflow-graph",
                                        .matches = tensorflow::matches,
                                        .parse = tensorflow::parse};

}  // namespace elves::formats
