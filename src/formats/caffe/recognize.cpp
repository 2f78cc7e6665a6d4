#include "formats/caffe/caffe.hpp"
#include "formats/caffe/fields.hpp"
#include "formats/shared/protobuf/judge.hpp"

namespace elves::formats::caffe {
namespace {

using protobuf::ByteRange;
using protobuf::judge_fields;
using protobuf::starts_as_text;
using protobuf::unclear_if;
using protobuf::Verdict;
using protobuf::WireField;
using protobuf::WireType;
using protobuf::yes_if;

constexpr std::uint64_t kMaxTypeV1 = 100;

bool is_filled_text(SourceCursor& file, const WireField& field) {
  return field.type == WireType::Bytes && field.range.length_bytes > 0 && starts_as_text(file, field.range);
}

/// A name, then the name of a type, which begins with a capital.
bool is_layer(SourceCursor& file, ByteRange message) {
  bool has_name = false;
  return judge_fields(file, message, [&](const WireField& field) {
    if (field.number == layer::kName) return unclear_if(has_name = is_filled_text(file, field));
    if (field.number != layer::kType || !has_name || !is_filled_text(file, field)) return Verdict::No;
    file.seek(field.range.offset_bytes);
    const auto first = file.read<char>();
    return yes_if(first >= 'A' && first <= 'Z');
  });
}

/// Names of blobs, a name, and the number of a type.
bool is_layer_v1(SourceCursor& file, ByteRange message) {
  bool has_name = false;
  return judge_fields(file, message, [&](const WireField& field) {
    switch (field.number) {
      case layer_v1::kBottom:
      case layer_v1::kTop:
        return unclear_if(is_filled_text(file, field));
      case layer_v1::kName:
        return unclear_if(has_name = is_filled_text(file, field));
      case layer_v1::kType:
        return yes_if(has_name && field.type == WireType::Varint && field.value <= kMaxTypeV1);
      default:
        return Verdict::No;
    }
  });
}

}  // namespace

bool recognizes(const ByteSource& file) {
  SourceCursor cursor(file);
  return judge_fields(cursor, protobuf::kEndless, [&](const WireField& field) {
    switch (field.number) {
      case net::kName:
      case net::kInput:
        return unclear_if(field.type == WireType::Bytes && starts_as_text(cursor, field.range));
      case net::kInputDim:
      case net::kForceBackward:
      case net::kDebugInfo:
        return unclear_if(field.type == WireType::Varint);
      case net::kState:
      case net::kInputShape:
        return unclear_if(field.type == WireType::Bytes);
      case net::kLayer:
        return yes_if(field.type == WireType::Bytes && is_layer(cursor, field.range));
      case net::kLayerV1:
        return yes_if(field.type == WireType::Bytes && is_layer_v1(cursor, field.range));
      default:
        return Verdict::No;
    }
  });
}

}  // namespace elves::formats::caffe
