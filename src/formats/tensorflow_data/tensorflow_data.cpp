#include "formats/tensorflow_data/tensorflow_data.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "formats/shared/protobuf/array_list.hpp"
#include "formats/tensorflow_data/table.hpp"
#include "formats/tensorflow_graph/types.hpp"
#include "support/try.hpp"

namespace elves::formats::tensorflow_data {
namespace {

using protobuf::ByteRange;
using protobuf::for_each_field;
using protobuf::WireField;
using protobuf::WireType;

/// Field numbers of tensor_bundle.proto.
namespace header {
constexpr std::uint32_t kNumShards = 1, kEndianness = 2;
}
namespace entry {
constexpr std::uint32_t kDType = 1, kShape = 2, kShardId = 3, kOffset = 4, kSize = 5, kSlices = 7;
}

/// The i-th of n parts of a checkpoint.
struct Part {
  std::string checkpoint;
  std::uint64_t i = 0;
  std::uint64_t n = 0;
};

struct Entry {
  std::uint64_t data_type = 0;
  ByteRange shape{};  ///< in the bytes of the entry
  std::uint64_t part = 0;
  ByteRange data{};  ///< in the file
  bool is_partitioned = false;
};

/// Reads at least five digits, as TensorFlow writes them.
std::optional<std::uint64_t> part_number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto* const end = digits.data() + digits.size();
  const auto [stop, flaw] = std::from_chars(digits.data(), end, value);
  if (digits.size() < 5 || flaw != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<Part> part_of(std::string_view name) {
  constexpr std::string_view kData = ".data-";
  constexpr std::string_view kOf = "-of-";
  const auto data = name.rfind(kData);
  if (data == std::string_view::npos) return std::nullopt;
  const auto numbers = name.substr(data + kData.size());
  const auto of = numbers.find(kOf);
  if (of == std::string_view::npos) return std::nullopt;
  const auto i = part_number(numbers.substr(0, of));
  const auto n = part_number(numbers.substr(of + kOf.size()));
  if (!i || !n) return std::nullopt;
  return Part{.checkpoint = std::string(name.substr(0, data)), .i = *i, .n = *n};
}

Result<Entry> read_entry(SourceCursor& value, ByteRange message) {
  Entry found;
  ELVES_CHECK(for_each_field(value, message, [&](const WireField& field) -> Result<void> {
    if (field.is(entry::kDType, WireType::Varint)) found.data_type = field.value;
    if (field.is(entry::kShape, WireType::Bytes)) found.shape = field.range;
    if (field.is(entry::kShardId, WireType::Varint)) found.part = field.value;
    if (field.is(entry::kOffset, WireType::Varint)) found.data.offset_bytes = field.value;
    if (field.is(entry::kSize, WireType::Varint)) found.data.length_bytes = field.value;
    if (field.is(entry::kSlices, WireType::Bytes)) found.is_partitioned = true;
    return {};
  }));
  return found;
}

/// The entries of an index that describe one part.
class Description {
 public:
  explicit Description(Part part) : part_(std::move(part)) {}

  Result<void> take(std::string_view key, std::span<const std::byte> value) {
    const MemorySource bytes(value);
    SourceCursor cursor(bytes);
    const ByteRange message{.offset_bytes = 0, .length_bytes = value.size()};
    return key.empty() ? take_header(cursor, message) : take_entry(key, cursor, message);
  }

  Result<FoundExtents> take_found(std::uint64_t file_bytes) {
    if (!has_header_) return Error{"the index has no header"};
    if (is_big_endian_ && file_bytes > 0) {
      return FoundExtents{.extents = {}, .opaque_bytes = file_bytes, .opaque_reason = "its numbers are big-endian"};
    }
    auto found = arrays_.take_found();
    if (!found) return found;
    for (auto& extent : found->extents) extent.lossless = extent.is_layer;
    return found;
  }

 private:
  Result<void> take_header(SourceCursor& value, ByteRange message) {
    std::uint64_t n_parts = 0;
    ELVES_CHECK(for_each_field(value, message, [&](const WireField& field) -> Result<void> {
      if (field.is(header::kNumShards, WireType::Varint)) n_parts = field.value;
      if (field.is(header::kEndianness, WireType::Varint)) is_big_endian_ = field.value != 0;
      return {};
    }));
    has_header_ = true;
    if (n_parts == part_.n) return {};
    return Error{fmt::format("the index counts {} parts, the name of the file {}", n_parts, part_.n)};
  }

  Result<void> take_entry(std::string_view key, SourceCursor& value, ByteRange message) {
    const auto entry = read_entry(value, message);
    if (!entry) return entry.error();
    const bool is_here = entry->part == part_.i && !entry->is_partitioned;
    if (!is_here || is_big_endian_ || entry->data_type == tensorflow::data_type::kString) return {};
    ELVES_TRY(auto shape, tensorflow::read_shape(value, entry->shape));
    if (const auto dtype = tensorflow::dtype_of(entry->data_type)) {
      arrays_.add_layer(entry->data, *dtype, std::string(key), std::move(shape));
    } else {
      arrays_.add_glue(entry->data);
    }
    return {};
  }

  Part part_;
  bool has_header_ = false;
  bool is_big_endian_ = false;
  protobuf::ArrayList arrays_;
};

std::optional<Result<FoundExtents>> parse(const ByteSource& file, std::string_view name, const Folder& folder) {
  auto part = part_of(name);
  if (!part) return std::nullopt;
  const auto index = folder.open(part->checkpoint + ".index");
  if (!index) return std::nullopt;
  Description description(*std::move(part));
  const auto walked = for_each_entry(
      **index, [&](std::string_view key, std::span<const std::byte> value) { return description.take(key, value); });
  if (!walked) return Error{fmt::format("described by its .index: {}", walked.error().message)};
  return description.take_found(file.size_bytes());
}

}  // namespace

}  // namespace elves::formats::tensorflow_data

namespace elves::formats {

constinit const CompanionFormat kTensorflowData{
    .id = FormatId::TensorflowData, .name = "tensorflow-data", .parse = tensorflow_data::parse};

}  // namespace elves::formats
