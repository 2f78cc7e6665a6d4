#include "formats/tflite/tflite.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "formats/source_cursor.hpp"
#include "formats/tflite/flatbuffer.hpp"
#include "support/try.hpp"

namespace elves::formats::tflite {
namespace {

using flatbuffer::Range;
using flatbuffer::Reader;
using flatbuffer::Table;

constexpr std::uint32_t kIdentifier = 0x334C4654;  // "TFL3"
constexpr std::uint64_t kMaxDimensions = 64;

// Fields of the schema's tables.
constexpr unsigned kModelSubgraphs = 2;
constexpr unsigned kModelBuffers = 4;
constexpr unsigned kSubgraphTensors = 0;
constexpr unsigned kTensorShape = 0;
constexpr unsigned kTensorType = 1;
constexpr unsigned kTensorBuffer = 2;
constexpr unsigned kTensorName = 3;
constexpr unsigned kTensorSparsity = 6;
constexpr unsigned kBufferData = 0;
constexpr unsigned kBufferOffset = 1;
constexpr unsigned kBufferSize = 2;

enum class Kind { Unknown, Plain, Packed, NoNumbers };

struct Type {
  Kind kind = Kind::Unknown;
  DType dtype = DType::U8;
};

Type type_from(std::int8_t number) {
  constexpr std::array kTypes{
      Type{Kind::Plain, DType::F32},
      Type{Kind::Plain, DType::F16},
      Type{Kind::Plain, DType::I32},
      Type{Kind::Plain, DType::U8},
      Type{Kind::Plain, DType::I64},
      Type{Kind::NoNumbers},  // string
      Type{Kind::Plain, DType::Bool},
      Type{Kind::Plain, DType::I16},
      Type{Kind::Plain, DType::C64},
      Type{Kind::Plain, DType::I8},
      Type{Kind::Plain, DType::F64},
      Type{Kind::Plain, DType::C128},
      Type{Kind::Plain, DType::U64},
      Type{Kind::NoNumbers},  // resource
      Type{Kind::NoNumbers},  // variant
      Type{Kind::Plain, DType::U32},
      Type{Kind::Plain, DType::U16},
      Type{Kind::Packed},  // int4
      Type{Kind::Plain, DType::BF16},
      Type{Kind::Packed},  // int2
      Type{Kind::Packed},  // uint4
      Type{Kind::Plain, DType::F8E4M3},
      Type{Kind::Plain, DType::F8E5M2},
  };
  const auto index = static_cast<std::uint8_t>(number);
  return index < kTypes.size() ? kTypes[index] : Type{};
}

class Parser {
 public:
  explicit Parser(const ByteSource& file) : reader_(file) {}

  Result<FoundExtents> parse() {
    const auto model = reader_.root();
    ELVES_CHECK(read_buffers(model));
    for (const auto at : reader_.tables(model, kModelSubgraphs)) {
      const auto subgraph = reader_.table_at(at);
      for (const auto tensor_at : reader_.tables(subgraph, kSubgraphTensors)) {
        ELVES_CHECK(read_tensor(reader_.table_at(tensor_at)));
      }
    }
    if (reader_.failed()) return reader_.error();
    if (found_.opaque_bytes > 0) {
      found_.opaque_reason =
          fmt::format("{} of {} tensors are of an unknown type, or their data does not fit their shape", n_opaque_,
                      n_opaque_ + n_layers_);
    }
    return std::move(found_);
  }

 private:
  Result<void> read_buffers(const Table& model) {
    for (const auto at : reader_.tables(model, kModelBuffers)) {
      const auto buffer = reader_.table_at(at);
      auto data = reader_.range(buffer, kBufferData, 1);
      // Files of more than 2 GB store data outside of the flatbuffer; 1 is a placeholder.
      if (const auto offset = reader_.number<std::uint64_t>(buffer, kBufferOffset, 0); offset > 1) {
        data = {.offset_bytes = offset, .length_bytes = reader_.number<std::uint64_t>(buffer, kBufferSize, 0)};
      }
      if (reader_.failed()) return reader_.error();
      buffers_.push_back(data);
    }
    return {};
  }

  Result<void> read_tensor(const Table& tensor) {
    const auto number = reader_.number<std::uint32_t>(tensor, kTensorBuffer, 0);
    if (reader_.failed()) return reader_.error();
    if (number >= buffers_.size()) {
      if (number == 0) return {};
      return Error{fmt::format("a tensor has buffer {} of {}", number, buffers_.size())};
    }
    const auto data = buffers_[number];
    if (data.length_bytes == 0 || !taken_.insert(data.offset_bytes).second) return {};
    const auto type = type_from(reader_.number<std::int8_t>(tensor, kTensorType, 0));
    if (type.kind == Kind::NoNumbers) return {};
    add(tensor, type, data);
    return reader_.failed() ? Result<void>(reader_.error()) : Result<void>();
  }

  /// Adds a layer, or a range of glue if its type is unknown or its data does not fit its shape.
  void add(const Table& tensor, const Type& type, const Range& data) {
    Extent extent{.offset_bytes = data.offset_bytes, .length_bytes = data.length_bytes};
    if (auto shape = data_shape(tensor, type, data.length_bytes)) {
      extent.is_layer = true;
      extent.dtype = type.dtype;
      extent.name = reader_.text(tensor, kTensorName);
      extent.shape = std::move(*shape);
      ++n_layers_;
    } else {
      found_.opaque_bytes += data.length_bytes;
      ++n_opaque_;
    }
    found_.extents.push_back(std::move(extent));
  }

  std::optional<std::vector<std::uint64_t>> data_shape(const Table& tensor, const Type& type, std::uint64_t bytes) {
    if (type.kind == Kind::Unknown) return std::nullopt;
    if (type.kind == Kind::Packed) return std::vector{bytes};
    // An unknown dimension is negative, so it becomes huge here and fits no data.
    const auto dims = reader_.numbers(tensor, kTensorShape, kMaxDimensions);
    const std::vector<std::uint64_t> shape(dims.begin(), dims.end());
    if (layer_bytes(type.dtype, shape) == bytes) return shape;
    const auto size = size_bytes(type.dtype);
    if (reader_.has(tensor, kTensorSparsity) && bytes % size == 0) return std::vector{bytes / size};
    return std::nullopt;
  }

  Reader reader_;
  std::vector<Range> buffers_;
  std::unordered_set<std::uint64_t> taken_;  ///< offsets of data that is already a layer or glue
  FoundExtents found_;
  std::uint64_t n_layers_ = 0;
  std::uint64_t n_opaque_ = 0;
};

bool matches(const ByteSource& file) {
  if (file.size_bytes() < 8) return false;
  SourceCursor start(file);
  const auto root = start.read<std::uint32_t>();
  const auto identifier = start.read<std::uint32_t>();
  return !start.failed() && identifier == kIdentifier && root >= 8 && root < file.size_bytes();
}

Result<FoundExtents> parse(const ByteSource& file) {
  return Parser(file).parse();
}

}  // namespace

}  // namespace elves::formats::tflite

namespace elves::formats {

constinit const Format kTfLite{
    .id = FormatId::TfLite, .name = "tflite", .matches = tflite::matches, .parse = tflite::parse};

}  // namespace elves::formats
