#include "formats/caffe/caffe.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

#include "formats/shared/protobuf/array_list.hpp"
#include "formats/shared/protobuf/recognize.hpp"
#include "support/try.hpp"

namespace elves::formats::caffe {
namespace {

using protobuf::ByteRange;
using protobuf::find_text;
using protobuf::for_each_field;
using protobuf::judge_fields;
using protobuf::starts_as_text;
using protobuf::StoredNumbers;
using protobuf::unclear_if;
using protobuf::Verdict;
using protobuf::WireField;
using protobuf::WireType;
using protobuf::yes_if;

/// Field numbers of caffe.proto on the way to blobs.
using Number = std::uint32_t;

namespace net {
inline constexpr Number kName = 1, kLayerV1 = 2, kInput = 3, kInputDim = 4, kForceBackward = 5, kState = 6,
                        kDebugInfo = 7, kInputShape = 8, kLayer = 100;
}
namespace layer {
inline constexpr Number kName = 1, kType = 2, kBottom = 3, kTop = 4, kBlobs = 7;
}
namespace layer_v1 {
inline constexpr Number kBottom = 2, kTop = 3, kName = 4, kType = 5, kBlobs = 6;
}
namespace blob {
inline constexpr Number kNum = 1, kWidth = 4, kData = 5, kDiff = 6, kShape = 7, kDoubleData = 8, kDoubleDiff = 9;
}
namespace shape {
inline constexpr Number kDim = 1;
}

constexpr std::size_t kMaxDimensions = 32;  // Caffe's own limit

/// A BlobProto, as it is in the file.
struct Blob {
  std::vector<std::uint64_t> shape;
  std::array<std::uint64_t, 4> old_shape{};
  bool has_shape = false;
  bool has_old_shape = false;
  StoredNumbers data{};
  StoredNumbers diff{};

  std::vector<std::uint64_t> dimensions() const {
    return has_shape || !has_old_shape ? shape : std::vector(old_shape.begin(), old_shape.end());
  }
};

DType dtype_of(const StoredNumbers& numbers) {
  const bool is_double = numbers.field == blob::kDoubleData || numbers.field == blob::kDoubleDiff;
  return is_double ? DType::F64 : DType::F32;
}

class Walk {
 public:
  explicit Walk(const ByteSource& file) : file_(file), whole_{0, file.size_bytes()} {}

  Result<FoundExtents> walk() {
    ELVES_CHECK(for_each_field(file_, whole_, [&](const WireField& field) -> Result<void> {
      if (field.is(net::kLayer, WireType::Bytes)) return layer(field.range, layer::kName, layer::kBlobs);
      if (field.is(net::kLayerV1, WireType::Bytes)) return layer(field.range, layer_v1::kName, layer_v1::kBlobs);
      return {};
    }));
    return arrays_.take_found();
  }

 private:
  Result<void> layer(ByteRange range, Number name_field, Number blobs_field) {
    std::string name;
    ELVES_CHECK(find_text(file_, range, name_field, name));
    name.resize(std::min(name.size(), protobuf::kMaxPathBytes));
    std::size_t n_blobs = 0;
    return for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      if (!field.is(blobs_field, WireType::Bytes)) return {};
      return blob(field.range, fmt::format("{}.{}", name, n_blobs++));
    });
  }

  Result<void> blob(ByteRange range, const std::string& name) {
    Blob found;
    found.data.end_bytes = found.diff.end_bytes = range.end_bytes();
    ELVES_CHECK(read_blob(range, found));
    arrays_.add(found.data, true, dtype_of(found.data), name, found.dimensions());
    if (found.diff.n_bytes > 0) arrays_.add(found.diff, true, dtype_of(found.diff), name + ".diff", found.dimensions());
    return {};
  }

  Result<void> read_blob(ByteRange range, Blob& found) {
    return for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      if (field.is(blob::kShape, WireType::Bytes)) {
        found.has_shape = true;
        return read_shape(field.range, found.shape);
      }
      if (field.number >= blob::kNum && field.number <= blob::kWidth && field.type == WireType::Varint) {
        found.has_old_shape = true;
        found.old_shape[field.number - blob::kNum] = field.value;
      }
      if (field.number == blob::kData || field.number == blob::kDoubleData) found.data.add(field);
      if (field.number == blob::kDiff || field.number == blob::kDoubleDiff) found.diff.add(field);
      return {};
    });
  }

  Result<void> read_shape(ByteRange range, std::vector<std::uint64_t>& shape) {
    return for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      if (field.number != shape::kDim) return {};
      return protobuf::read_integers(file_, field, shape, kMaxDimensions);
    });
  }

  SourceCursor file_;
  ByteRange whole_;
  protobuf::ArrayList arrays_;
};

constexpr std::uint64_t kMaxTypeV1 = 100;

bool is_filled_text(SourceCursor& file, const WireField& field) {
  return field.type == WireType::Bytes && field.range.length_bytes > 0 && starts_as_text(file, field.range);
}

/// True for a message of a name, then the name of a type, which begins with a capital.
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

/// True for a message of names of blobs, a name, and the number of a type.
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

bool matches(const ByteSource& file) {
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

Result<FoundExtents> parse(const ByteSource& file) {
  return Walk(file).walk();
}

}  // namespace

}  // namespace elves::formats::caffe

namespace elves::formats {

constinit const Format kCaffe{.id = FormatId::Caffe, .name = "caffe", .matches = caffe::matches, .parse = caffe::parse};

}  // namespace elves::formats
