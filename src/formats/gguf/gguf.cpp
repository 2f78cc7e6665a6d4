#include "formats/gguf/gguf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <utility>

#include "formats/ggml/block_type.hpp"
#include "formats/source_cursor.hpp"
#include "support/checked.hpp"
#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::formats::gguf {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr std::uint32_t kLastVersion = 3;
constexpr std::uint32_t kDefaultAlignment = 32;
constexpr std::string_view kAlignmentKey = "general.alignment";
constexpr std::uint64_t kMaxTensors = 1'000'000;
constexpr std::uint64_t kMaxNameBytes = 65535;
constexpr std::uint32_t kMaxDimensions = 8;
constexpr int kMaxDepth = 8;

constexpr std::uint32_t kUint32 = 4;
constexpr std::uint32_t kString = 8;
constexpr std::uint32_t kArray = 9;

/// Size of a metadata value; nothing for types of variable size.
std::optional<std::uint64_t> fixed_bytes(std::uint32_t value_type) {
  constexpr std::array<std::uint64_t, 13> kBytes{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  if (value_type >= kBytes.size() || kBytes[value_type] == 0) return std::nullopt;
  return kBytes[value_type];
}

struct Tensor {
  std::string name;
  std::vector<std::uint64_t> dims;  ///< innermost first
  std::uint32_t type = 0;
  std::uint64_t offset_bytes = 0;  ///< from the start of the data
};

Error tensor_error(const Tensor& tensor, std::string_view flaw) {
  return Error{fmt::format("layer {} {}", quoted_name(tensor.name), flaw)};
}

/// Reads everything before the data, from front to back.
class HeaderReader {
 public:
  HeaderReader(const ByteSource& file, std::uint32_t version) : cursor_(file, 8), version_(version) {}

  Result<void> read() {
    const auto n_tensors = read_count();
    const auto n_values = read_count();
    if (n_tensors > kMaxTensors) return Error{fmt::format("too many tensors: {}", n_tensors)};
    for (std::uint64_t i = 0; i < n_values && !cursor_.failed(); ++i) {
      ELVES_CHECK(read_value());
    }
    if (cursor_.failed()) return cursor_.error();
    if (!std::has_single_bit(alignment_bytes_)) {
      return Error{fmt::format("its alignment of {} bytes is no power of two", alignment_bytes_)};
    }
    for (std::uint64_t i = 0; i < n_tensors && !cursor_.failed(); ++i) {
      ELVES_CHECK(read_tensor());
    }
    if (cursor_.failed()) return cursor_.error();
    return {};
  }

  const std::vector<Tensor>& tensors() const { return tensors_; }
  std::uint64_t data_offset_bytes() const {
    return ceil_div<std::uint64_t>(cursor_.position(), alignment_bytes_) * alignment_bytes_;
  }

 private:
  /// A length or a count: 32 bits in version 1, 64 bits since version 2.
  std::uint64_t read_count() { return version_ == 1 ? cursor_.read<std::uint32_t>() : cursor_.read<std::uint64_t>(); }

  /// A key and its value.
  Result<void> read_value() {
    const auto key_bytes = read_count();
    bool is_alignment = false;
    if (key_bytes == kAlignmentKey.size()) {
      is_alignment = cursor_.take_text(key_bytes, key_bytes) == kAlignmentKey;
    } else {
      cursor_.skip(key_bytes);
    }
    const auto value_type = cursor_.read<std::uint32_t>();
    if (!is_alignment) return skip_value(value_type, 0);
    if (cursor_.failed()) return cursor_.error();
    if (value_type != kUint32) return Error{"general.alignment is not a 32-bit number"};
    alignment_bytes_ = cursor_.read<std::uint32_t>();
    return {};
  }

  Result<void> skip_value(std::uint32_t value_type, int depth) {
    if (const auto bytes = fixed_bytes(value_type)) {
      cursor_.skip(*bytes);
    } else if (value_type == kString) {
      cursor_.skip(read_count());
    } else if (value_type == kArray) {
      return skip_array(depth);
    } else {
      return Error{fmt::format("metadata value of unknown type {} (at byte {})", value_type, cursor_.position())};
    }
    return {};
  }

  Result<void> skip_array(int depth) {
    if (depth == kMaxDepth) return Error{"metadata arrays are nested too deeply"};
    const auto value_type = cursor_.read<std::uint32_t>();
    const auto n = read_count();
    if (const auto bytes = fixed_bytes(value_type)) {
      cursor_.skip(checked_mul(n, *bytes).value_or(~std::uint64_t{0}));
      return {};
    }
    for (std::uint64_t i = 0; i < n && !cursor_.failed(); ++i) {
      ELVES_CHECK(skip_value(value_type, depth + 1));
    }
    return {};
  }

  Result<void> read_tensor() {
    Tensor tensor;
    tensor.name = cursor_.take_text(read_count(), kMaxNameBytes);
    const auto n_dims = cursor_.read<std::uint32_t>();
    if (n_dims > kMaxDimensions) return tensor_error(tensor, fmt::format("has {} dimensions", n_dims));
    for (std::uint32_t i = 0; i < n_dims; ++i) tensor.dims.push_back(read_count());
    tensor.type = cursor_.read<std::uint32_t>();
    tensor.offset_bytes = cursor_.read<std::uint64_t>();
    if (cursor_.failed()) return cursor_.error();
    if (tensor.offset_bytes % alignment_bytes_ != 0) {
      return tensor_error(
          tensor, fmt::format("has an offset of {}, but the alignment is {}", tensor.offset_bytes, alignment_bytes_));
    }
    tensors_.push_back(std::move(tensor));
    return {};
  }

  SourceCursor cursor_;
  std::uint32_t version_;
  std::uint32_t alignment_bytes_ = kDefaultAlignment;
  std::vector<Tensor> tensors_;
};

/// Computes the extents of the tensors. A tensor of an unknown type is assumed to reach to the next one.
class Placer {
 public:
  Placer(const std::vector<Tensor>& tensors, std::uint64_t data_offset_bytes, std::uint64_t file_bytes)
      : tensors_(tensors), data_offset_bytes_(data_offset_bytes), file_bytes_(file_bytes) {
    for (const auto& tensor : tensors) offsets_.push_back(tensor.offset_bytes);
    std::sort(offsets_.begin(), offsets_.end());
  }

  Result<FoundExtents> place() {
    for (const auto& tensor : tensors_) {
      const auto start = checked_add(data_offset_bytes_, tensor.offset_bytes);
      if (!start || *start > file_bytes_) return tensor_error(tensor, "passes the end of the file");
      const auto type = ggml::block_type(tensor.type, ggml::Scales::F16);
      if (!type) {
        place_unknown(tensor, *start);
        continue;
      }
      auto layer = ggml::array_of(*type, tensor.dims);
      if (!layer) return tensor_error(tensor, layer.error().message);
      layer->offset_bytes = *start;
      layer->name = tensor.name;
      found_.extents.push_back(std::move(layer).value());
    }
    if (found_.opaque_bytes > 0) {
      found_.opaque_reason =
          fmt::format("{} of {} tensors are of an unknown type ({})", n_unknown_, tensors_.size(), unknown_type_);
    }
    return std::move(found_);
  }

 private:
  void place_unknown(const Tensor& tensor, std::uint64_t start) {
    const auto next = std::upper_bound(offsets_.begin(), offsets_.end(), tensor.offset_bytes);
    auto end = file_bytes_;
    if (next != offsets_.end()) end = std::min(end, checked_add(data_offset_bytes_, *next).value_or(end));
    if (end == start) return;
    found_.extents.push_back(Extent{.offset_bytes = start, .length_bytes = end - start});
    found_.opaque_bytes += end - start;
    unknown_type_ = tensor.type;
    ++n_unknown_;
  }

  const std::vector<Tensor>& tensors_;
  std::uint64_t data_offset_bytes_;
  std::uint64_t file_bytes_;
  std::vector<std::uint64_t> offsets_;  ///< of all tensors, sorted
  FoundExtents found_;
  std::uint64_t n_unknown_ = 0;
  std::uint32_t unknown_type_ = 0;
};

/// Versions are small numbers: in the other byte order they are huge.
bool is_version(std::uint32_t value) {
  return value > 0 && value < 256;
}

bool matches(const ByteSource& file) {
  if (file.size_bytes() < 8) return false;
  SourceCursor start(file);
  const auto magic = start.read<std::uint32_t>();
  const auto version = start.read<std::uint32_t>();
  return !start.failed() && magic == kMagic && (is_version(version) || is_version(__builtin_bswap32(version)));
}

Result<FoundExtents> parse(const ByteSource& file) {
  SourceCursor start(file, 4);
  const auto version = start.read<std::uint32_t>();
  if (start.failed()) return start.error();
  if (is_version(__builtin_bswap32(version))) return Error{"its numbers are big-endian"};
  if (version == 0 || version > kLastVersion) return Error{fmt::format("version {} is unknown", version)};

  HeaderReader header(file, version);
  ELVES_CHECK(header.read());
  if (header.tensors().empty()) return FoundExtents{};
  return Placer(header.tensors(), header.data_offset_bytes(), file.size_bytes()).place();
}

}  // namespace

}  // namespace elves::formats::gguf

namespace elves::formats {

constinit const Format kGguf{.id = FormatId::Gguf, .name = "gguf", .matches = gguf::matches, .parse = gguf::parse};

}  // namespace elves::formats
