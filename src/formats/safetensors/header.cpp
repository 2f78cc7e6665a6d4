#include "formats/safetensors/header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "support/text.hpp"

namespace elves::formats::safetensors {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxDepth = 8;
constexpr std::size_t kMaxDimensions = 64;
constexpr std::string_view kMetadata = "__metadata__";

constexpr std::array kDTypes{
    std::pair{std::string_view("BOOL"), DType::Bool},
    std::pair{std::string_view("U8"), DType::U8},
    std::pair{std::string_view("I8"), DType::I8},
    std::pair{std::string_view("U16"), DType::U16},
    std::pair{std::string_view("I16"), DType::I16},
    std::pair{std::string_view("U32"), DType::U32},
    std::pair{std::string_view("I32"), DType::I32},
    std::pair{std::string_view("U64"), DType::U64},
    std::pair{std::string_view("I64"), DType::I64},
    std::pair{std::string_view("F16"), DType::F16},
    std::pair{std::string_view("BF16"), DType::BF16},
    std::pair{std::string_view("F32"), DType::F32},
    std::pair{std::string_view("F64"), DType::F64},
    std::pair{std::string_view("F8_E4M3"), DType::F8E4M3},
    std::pair{std::string_view("F8_E5M2"), DType::F8E5M2},
    std::pair{std::string_view("C64"), DType::C64},
    std::pair{std::string_view("F8_E8M0"), DType::F8E8M0},
    std::pair{std::string_view("F8_E4M3FNUZ"), DType::F8E4M3FNUZ},
    std::pair{std::string_view("F8_E5M2FNUZ"), DType::F8E5M2FNUZ},
};

/// Nothing for a dtype of a newer version of the format.
std::optional<DType> dtype_from(std::string_view text) {
  const auto* row = std::find_if(kDTypes.begin(), kDTypes.end(), [&](const auto& each) { return each.first == text; });
  return row == kDTypes.end() ? std::nullopt : std::optional(row->second);
}

/// Receives the JSON event by event, so that no tree is kept in memory. An event that has no place in a header is
/// refused (false), and `why()` describes the first one.
class HeaderReader final : public nlohmann::json_sax<Json> {
 public:
  HeaderReader(std::uint64_t data_offset_bytes, std::uint64_t data_bytes)
      : data_offset_bytes_(data_offset_bytes), data_bytes_(data_bytes) {}

  const std::string& why() const { return why_; }
  std::vector<Extent> take_extents() { return std::move(extents_); }

  /// MLX writes `"__metadata__": null`, and the safetensors library accepts it.
  bool null() override { return (in() == In::Top && name_ == kMetadata) || scalar("null"); }
  bool boolean(bool /*value*/) override { return scalar("a boolean"); }
  bool number_integer(number_integer_t /*value*/) override { return number("a negative number"); }
  bool number_float(number_float_t /*value*/, const string_t& text) override {
    const bool whole = text.find_first_of(".eE") == string_t::npos;
    return number(whole ? "a number that overflows 64 bits" : "a fractional number");
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (in() == In::Shape) {
      if (shape_.size() == kMaxDimensions) return refuse_tensor("has too many dimensions");
      shape_.push_back(value);
      return true;
    }
    if (in() == In::Offsets) {
      if (n_offsets_ == offsets_.size()) return refuse_tensor("has more than two data_offsets");
      offsets_[n_offsets_++] = value;
      return true;
    }
    return scalar("a number");
  }
  bool string(string_t& value) override {
    if (in() == In::Tensor && field_ == Field::DType) {
      dtype_ = dtype_from(value);
      return true;
    }
    if (in() == In::Metadata) return true;
    return scalar("a string");
  }
  bool binary(binary_t& /*value*/) override { return refuse("header contains binary data"); }

  bool start_object(std::size_t /*n*/) override {
    if (stack_.empty()) return enter(In::Top);
    if (in() == In::Top) return enter(name_ == kMetadata ? In::Metadata : In::Tensor);
    return nested("an object");
  }
  bool start_array(std::size_t /*n*/) override {
    if (in() == In::Tensor && field_ == Field::Shape) return enter(In::Shape);
    if (in() == In::Tensor && field_ == Field::Offsets) return enter(In::Offsets);
    return nested("an array");
  }
  bool end_array() override {
    stack_.pop_back();
    return true;
  }
  bool end_object() override {
    const auto left = in();
    stack_.pop_back();
    return left != In::Tensor || finish_tensor();
  }

  bool key(string_t& text) override {
    switch (in()) {
      case In::Top:
        name_ = std::move(text);
        if (name_ == kMetadata) return note_metadata();
        begin_tensor();
        return true;
      case In::Metadata:
        return metadata_keys_.insert(std::move(text)).second || refuse("duplicate key in __metadata__");
      case In::Tensor:
        field_ = text == "dtype"          ? Field::DType
                 : text == "shape"        ? Field::Shape
                 : text == "data_offsets" ? Field::Offsets
                                          : Field::Other;
        if (field_ == Field::Other) return true;
        return note_field();
      default:
        return true;
    }
  }

  bool parse_error(std::size_t position, const std::string& /*token*/, const Json::exception& /*error*/) override {
    return refuse(fmt::format("header is not JSON (at its byte {})", position));
  }

 private:
  enum class In { Nothing, Top, Metadata, Tensor, Shape, Offsets, Skipped };
  enum class Field : unsigned { Other = 0, DType = 1, Shape = 2, Offsets = 4 };
  static constexpr unsigned kAllFields = 1 | 2 | 4;

  In in() const { return stack_.empty() ? In::Nothing : stack_.back(); }

  bool enter(In what) {
    if (stack_.size() == kMaxDepth) return refuse("header is nested too deeply");
    stack_.push_back(what);
    return true;
  }

  /// A value that is no object, no array and no whole number.
  bool scalar(std::string_view what) {
    if (in() == In::Skipped || (in() == In::Tensor && field_ == Field::Other)) return true;
    return misplaced(what);
  }
  bool number(std::string_view what) {
    if (in() == In::Shape) return refuse_tensor(fmt::format("has {} in its shape", what));
    if (in() == In::Offsets) return refuse_tensor(fmt::format("has {} in its data_offsets", what));
    return scalar(what);
  }
  bool nested(std::string_view what) {
    if (in() == In::Skipped || (in() == In::Tensor && field_ == Field::Other)) return enter(In::Skipped);
    return misplaced(what);
  }
  bool misplaced(std::string_view what) {
    switch (in()) {
      case In::Nothing:
        return refuse(fmt::format("header is {}, not an object", what));
      case In::Top:
        return name_ == kMetadata ? refuse(fmt::format("__metadata__ is {}, not an object", what))
                                  : refuse_tensor(fmt::format("is {}, not an object", what));
      case In::Metadata:
        return refuse(fmt::format("__metadata__ contains {}, not only strings", what));
      case In::Shape:
        return refuse_tensor(fmt::format("has {} in its shape", what));
      case In::Offsets:
        return refuse_tensor(fmt::format("has {} in its data_offsets", what));
      default:
        return refuse_tensor(fmt::format("has {} as its {}", what,
                                         field_ == Field::DType   ? "dtype"
                                         : field_ == Field::Shape ? "shape"
                                                                  : "data_offsets"));
    }
  }

  bool refuse(std::string why) {
    why_ = std::move(why);
    return false;
  }
  bool refuse_tensor(std::string_view why) { return refuse(fmt::format("layer {} {}", quoted_name(name_), why)); }

  bool note_metadata() { return !std::exchange(has_metadata_, true) || refuse("duplicate key __metadata__"); }

  bool note_field() {
    const auto bit = static_cast<unsigned>(field_);
    if ((fields_ & bit) != 0) return refuse_tensor("has a duplicate key");
    fields_ |= bit;
    return true;
  }

  void begin_tensor() {
    fields_ = 0;
    n_offsets_ = 0;
    shape_.clear();
    dtype_.reset();
  }

  bool finish_tensor() {
    if (fields_ != kAllFields) return refuse_tensor("is incomplete: dtype, shape and data_offsets are needed");
    if (n_offsets_ != offsets_.size()) return refuse_tensor("has fewer than two data_offsets");
    const auto [begin, end] = offsets_;
    if (begin > end) return refuse_tensor("has data_offsets that run backwards");
    if (end > data_bytes_) return refuse_tensor("passes the end of the file");
    Extent extent{.offset_bytes = data_offset_bytes_ + begin, .length_bytes = end - begin};
    if (dtype_) {
      extent.is_layer = true;
      extent.dtype = *dtype_;
      extent.shape = shape_;
    }
    // The names of glue are cleared after the search for duplicates.
    extent.name = std::move(name_);
    extents_.push_back(std::move(extent));
    return true;
  }

  std::uint64_t data_offset_bytes_;
  std::uint64_t data_bytes_;
  std::string why_;
  std::vector<Extent> extents_;
  std::vector<In> stack_;
  bool has_metadata_ = false;
  std::unordered_set<std::string> metadata_keys_;

  // The current tensor.
  std::string name_;
  Field field_ = Field::Other;
  unsigned fields_ = 0;
  std::optional<DType> dtype_;
  std::vector<std::uint64_t> shape_;
  std::array<std::uint64_t, 2> offsets_{};
  std::size_t n_offsets_ = 0;
};

/// A name that two tensors share; nothing if there is none.
std::optional<std::string_view> duplicate_name(const std::vector<Extent>& extents) {
  std::vector<std::string_view> names;
  names.reserve(extents.size());
  for (const auto& extent : extents) names.push_back(extent.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  return twice == names.end() ? std::nullopt : std::optional(*twice);
}

}  // namespace

Result<std::vector<Extent>> read_header(std::string_view json, std::uint64_t data_offset_bytes,
                                        std::uint64_t data_bytes) {
  // The JSON library takes a NUL byte for the end of its input, but JSON must not contain one.
  if (const auto nul = json.find('\0'); nul != std::string_view::npos) {
    return Error{fmt::format("header is not JSON (at its byte {})", nul)};
  }
  HeaderReader reader(data_offset_bytes, data_bytes);
  if (!Json::sax_parse(json.begin(), json.end(), &reader)) return Error{reader.why()};
  auto extents = reader.take_extents();
  if (const auto twice = duplicate_name(extents)) return Error{"duplicate layer name " + quoted_name(*twice)};
  std::erase_if(extents, [](const Extent& extent) { return !extent.is_layer && extent.length_bytes == 0; });
  for (auto& extent : extents) {
    if (!extent.is_layer) extent.name.clear();
  }
  return extents;
}

}  // namespace elves::formats::safetensors
