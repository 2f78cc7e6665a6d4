#include "formats/caffe/caffe.hpp"

#include <array>
#include <string>
#include <utility>

#include "formats/caffe/fields.hpp"
#include "formats/shared/protobuf/array_list.hpp"

namespace elves::formats::caffe {
namespace {

using protobuf::ByteRange;
using protobuf::find_text;
using protobuf::for_each_field;
using protobuf::StoredNumbers;
using protobuf::WireField;
using protobuf::WireType;

constexpr std::size_t kMaxDimensions = 32;  // Caffe's own limit

/// A BlobProto, as the file describes it.
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

  Result<Layout> layout() {
    const auto walked = for_each_field(file_, whole_, [&](const WireField& field) -> Result<void> {
      if (field.is(net::kLayer, WireType::Bytes)) return layer(field.range, layer::kName, layer::kBlobs);
      if (field.is(net::kLayerV1, WireType::Bytes)) return layer(field.range, layer_v1::kName, layer_v1::kBlobs);
      return {};
    });
    if (!walked) return walked.error();
    return arrays_.take_layout();
  }

 private:
  Result<void> layer(ByteRange range, Number name_field, Number blobs_field) {
    std::string name;
    if (auto read = find_text(file_, range, name_field, name); !read) return read;
    name.resize(std::min(name.size(), protobuf::kMaxPathBytes));
    std::size_t n_blobs = 0;
    return for_each_field(file_, range, [&](const WireField& field) -> Result<void> {
      if (!field.is(blobs_field, WireType::Bytes)) return {};
      return blob(field.range, name + "." + std::to_string(n_blobs++));
    });
  }

  Result<void> blob(ByteRange range, const std::string& name) {
    Blob found;
    found.data.end_bytes = found.diff.end_bytes = range.end_bytes();
    if (auto read = read_blob(range, found); !read) return read;
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

}  // namespace

Result<Layout> parse(const ByteSource& file) {
  return Walk(file).layout();
}

}  // namespace elves::formats::caffe
