#include "formats/tensorflow_graph/recognize.hpp"

#include "formats/shared/protobuf/recognize.hpp"
#include "formats/tensorflow_graph/fields.hpp"

namespace elves::formats::tensorflow {
namespace {

using protobuf::ByteRange;
using protobuf::judge_fields;
using protobuf::starts_as_text;
using protobuf::unclear_if;
using protobuf::Verdict;
using protobuf::WireField;
using protobuf::WireType;
using protobuf::yes_if;

constexpr int kNodesToSee = 3;

/// Names of operations begin with a capital, or with an underscore if they are internal.
bool is_operation(SourceCursor& file, ByteRange range) {
  if (range.length_bytes == 0 || !starts_as_text(file, range)) return false;
  file.seek(range.offset_bytes);
  const auto first = file.read<char>();
  return (first >= 'A' && first <= 'Z') || first == '_';
}

/// An entry of a map: a text, then a message.
bool is_attribute(SourceCursor& file, ByteRange message) {
  bool has_key = false;
  return judge_fields(file, message, [&](const WireField& field) {
    if (field.is(attribute::kKey, WireType::Bytes)) return unclear_if(has_key = starts_as_text(file, field.range));
    return yes_if(field.is(attribute::kValue, WireType::Bytes) && has_key);
  });
}

enum class Node { None, Bare, WithAttribute };

/// Judges a node by its fields up to the first attribute.
Node node_in(SourceCursor& file, ByteRange message) {
  bool has_name = false;
  bool has_operation = false;
  bool has_attribute = false;
  const auto judge = [&](const WireField& field) {
    if (field.type != WireType::Bytes) return Verdict::No;
    switch (field.number) {
      case node::kName:
        if (has_name || field.range.length_bytes == 0) return Verdict::No;
        return unclear_if(has_name = starts_as_text(file, field.range));
      case node::kOp:
        if (has_operation) return Verdict::No;
        return unclear_if(has_operation = is_operation(file, field.range));
      case node::kInput:
      case node::kDevice:
        return unclear_if(starts_as_text(file, field.range));
      case node::kAttribute:
        return yes_if(has_attribute = is_attribute(file, field.range));
      default:
        return unclear_if(field.number <= node::kLast);
    }
  };
  if (!judge_fields(file, message, judge, Verdict::Yes) || !has_name || !has_operation) return Node::None;
  return has_attribute ? Node::WithAttribute : Node::Bare;
}

/// A graph with constants has nodes with attributes. Without attributes, messages of other formats look the same.
bool is_graph(SourceCursor& file, ByteRange message) {
  int n_nodes = 0;
  bool has_attributes = false;
  const auto judge = [&](const WireField& field) {
    switch (field.number) {
      case graph::kNode: {
        const auto found = field.type == WireType::Bytes ? node_in(file, field.range) : Node::None;
        has_attributes |= found == Node::WithAttribute;
        if (found == Node::None) return Verdict::No;
        return ++n_nodes >= kNodesToSee && has_attributes ? Verdict::Yes : Verdict::Unclear;
      }
      case graph::kVersion:
        return unclear_if(field.type == WireType::Varint);
      case graph::kLibrary:
      case graph::kVersions:
      case graph::kDebugInfo:
        return unclear_if(field.type == WireType::Bytes);
      default:
        return Verdict::No;
    }
  };
  return judge_fields(file, message, judge, Verdict::Yes) && has_attributes;
}

bool is_meta_graph(SourceCursor& file, ByteRange message) {
  return judge_fields(file, message, [&](const WireField& field) {
    if (field.type != WireType::Bytes) return Verdict::No;
    return field.number == meta_graph::kGraph ? yes_if(is_graph(file, field.range)) : Verdict::Unclear;
  });
}

bool is_saved_model(SourceCursor& file) {
  return judge_fields(file, protobuf::kEndless, [&](const WireField& field) {
    if (field.is(saved_model::kSchemaVersion, WireType::Varint)) return Verdict::Unclear;
    return yes_if(field.is(saved_model::kMetaGraph, WireType::Bytes) && is_meta_graph(file, field.range));
  });
}

}  // namespace

bool matches(const ByteSource& file) {
  SourceCursor cursor(file);
  const auto first = cursor.read<std::uint8_t>();
  constexpr std::uint8_t kVersionTag = saved_model::kSchemaVersion << 3;
  return first == kVersionTag ? is_saved_model(cursor) : is_graph(cursor, protobuf::kEndless);
}

}  // namespace elves::formats::tensorflow
