#include "formats/onnx/recognize.hpp"

#include "formats/onnx/fields.hpp"
#include "formats/shared/protobuf/recognize.hpp"

namespace elves::formats::onnx {
namespace {

using protobuf::ByteRange;
using protobuf::judge_fields;
using protobuf::starts_as_text;
using protobuf::unclear_if;
using protobuf::Verdict;
using protobuf::WireField;
using protobuf::WireType;
using protobuf::yes_if;

constexpr std::uint64_t kMaxIrVersion = 1000;
constexpr std::uint64_t kMaxDataType = 64;

bool is_node(SourceCursor& file, ByteRange message) {
  return judge_fields(file, message, [&](const WireField& field) {
    if (field.type != WireType::Bytes || field.number > node::kLast) return Verdict::No;
    const bool is_name = field.number <= node::kOpType;
    if (field.number == node::kOpType) return yes_if(field.range.length_bytes > 0 && starts_as_text(file, field.range));
    return unclear_if(!is_name || starts_as_text(file, field.range));
  });
}

bool is_tensor(SourceCursor& file, ByteRange message) {
  bool has_type = false;
  bool has_name = false;
  return judge_fields(file, message, [&](const WireField& field) {
    if (field.is(tensor::kDataType, WireType::Varint)) {
      has_type = field.value > 0 && field.value <= kMaxDataType;
      if (!has_type) return Verdict::No;
    } else if (field.is(tensor::kName, WireType::Bytes)) {
      has_name = starts_as_text(file, field.range);
      if (!has_name) return Verdict::No;
    }
    return has_type && has_name ? Verdict::Yes : unclear_if(field.number <= tensor::kLast);
  });
}

bool is_graph(SourceCursor& file, ByteRange message) {
  return judge_fields(file, message, [&](const WireField& field) {
    if (field.type != WireType::Bytes) return Verdict::No;
    switch (field.number) {
      case graph::kNode:
        return yes_if(is_node(file, field.range));
      case graph::kInitializer:
        return yes_if(is_tensor(file, field.range));
      case graph::kName:
        return unclear_if(starts_as_text(file, field.range));
      default:
        return unclear_if(field.number >= graph::kDocString && field.number <= graph::kLast);
    }
  });
}

}  // namespace

bool matches(const ByteSource& file) {
  SourceCursor cursor(file);
  bool has_version = false;
  bool has_graph = false;
  return judge_fields(cursor, protobuf::kEndless, [&](const WireField& field) {
    switch (field.number) {
      case model::kIrVersion:
        has_version = field.type == WireType::Varint && field.value > 0 && field.value <= kMaxIrVersion;
        if (!has_version) return Verdict::No;
        break;
      case model::kGraph:
        has_graph = field.type == WireType::Bytes && is_graph(cursor, field.range);
        if (!has_graph) return Verdict::No;
        break;
      case model::kProducerName:
      case model::kProducerVersion:
      case model::kDomain:
        if (field.type != WireType::Bytes || !starts_as_text(cursor, field.range)) return Verdict::No;
        break;
      case model::kModelVersion:
        if (field.type != WireType::Varint) return Verdict::No;
        break;
      case model::kDocString:
      case model::kOpsetImport:
      case model::kMetadataProps:
      case model::kTrainingInfo:
      case model::kFunctions:
      case model::kConfiguration:
        if (field.type != WireType::Bytes) return Verdict::No;
        break;
      default:
        return Verdict::No;
    }
    return has_version && has_graph ? Verdict::Yes : Verdict::Unclear;
  });
}

}  // namespace elves::formats::onnx
