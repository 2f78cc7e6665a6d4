#include "formats/onnx_data/onnx_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "formats/onnx/data_type.hpp"
#include "formats/onnx/model.hpp"
#include "formats/onnx/onnx.hpp"
#include "formats/shared/protobuf/array_list.hpp"
#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::formats::onnx_data {
namespace {

using onnx::Tensor;

constexpr std::size_t kMaxModels = 16;
constexpr std::string_view kSuffix = ".onnx";

/// Names of models that may describe a file called `name`, the likeliest first.
std::vector<std::string> models_beside(std::string_view name, const Folder& folder) {
  std::vector<std::string> models;
  const auto add = [&](std::string model) {
    const bool is_new = model != name && std::find(models.begin(), models.end(), model) == models.end();
    if (is_new) models.push_back(std::move(model));
  };
  if (const auto at = name.find(kSuffix); at != std::string_view::npos) {
    add(std::string(name.substr(0, at + kSuffix.size())));
  }
  add(std::string(name.substr(0, name.rfind('.'))) + std::string(kSuffix));
  auto others = folder.names(kSuffix);
  others.resize(std::min(others.size(), kMaxModels));
  for (auto& other : others) add(std::move(other));
  return models;
}

/// True if the numbers of the tensor are in the file called `name`.
bool is_in(const Tensor& tensor, std::string_view name) {
  const auto location = tensor.external_data.find("location");
  if (!tensor.is_external || location == tensor.external_data.end()) return false;
  return location->second == name || location->second == "./" + std::string(name);
}

Error tensor_error(const Tensor& tensor, std::string_view flaw) {
  return Error{fmt::format("layer {} {}", quoted_name(tensor.name), flaw)};
}

/// The number under `key`, or `otherwise` if there is no such key.
Result<std::uint64_t> number(const Tensor& tensor, const std::string& key, std::uint64_t otherwise) {
  const auto found = tensor.external_data.find(key);
  if (found == tensor.external_data.end()) return otherwise;
  const auto& text = found->second;
  std::uint64_t value = 0;
  const auto [end, flaw] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (flaw == std::errc() && end == text.data() + text.size()) return value;
  return tensor_error(tensor, fmt::format("has an external {} that is no number", key));
}

/// The range of this file that contains a tensor: a layer, or glue if its type is unknown.
Result<Extent> extent_of(Tensor&& tensor, std::uint64_t file_bytes) {
  ELVES_TRY(const auto offset, number(tensor, "offset", 0));
  if (offset > file_bytes) return tensor_error(tensor, "passes the end of the file");
  const auto left = file_bytes - offset;
  const auto dtype = onnx::dtype_of(tensor.data_type);
  const auto meant = dtype ? layer_bytes(*dtype, tensor.shape) : left;
  if (!meant) return tensor_error(tensor, "has a shape whose size overflows");
  ELVES_TRY(const auto length, number(tensor, "length", *meant));
  if (length > left) return tensor_error(tensor, "passes the end of the file");
  return Extent{.offset_bytes = offset,
                .length_bytes = length,
                .is_layer = dtype.has_value(),
                .dtype = dtype.value_or(DType::Bytes),
                .name = std::move(tensor.name),
                .shape = std::move(tensor.shape)};
}

/// The tensors of a model that are in this file; nothing if the model does not name it.
std::optional<Result<std::vector<Extent>>> extents_in(const ByteSource& model, std::string_view name,
                                                      std::uint64_t file_bytes) {
  bool is_named = false;
  std::vector<Extent> extents;
  const auto walked = onnx::for_each_tensor(model, [&](Tensor&& tensor) -> Result<void> {
    if (!is_in(tensor, name) || tensor.data_type == onnx::data_type::kString) return {};
    is_named = true;
    if (extents.size() == protobuf::kMaxArrays) return Error{"too many tensors"};
    ELVES_TRY(auto extent, extent_of(std::move(tensor), file_bytes));
    extents.push_back(std::move(extent));
    return {};
  });
  if (!is_named) return std::nullopt;
  if (!walked) return walked.error();
  return extents;
}

/// Adds tensors that share bytes and together cover `range`: the first that is all of it, or glue if there is none.
void add_cluster(protobuf::ByteRange range, std::span<Extent> cluster, protobuf::ArrayList& arrays) {
  const auto whole = std::find_if(cluster.begin(), cluster.end(), [&](const Extent& each) {
    return each.is_layer && each.offset_bytes == range.offset_bytes && each.length_bytes == range.length_bytes;
  });
  if (whole == cluster.end()) return arrays.add_glue(range);
  arrays.add_layer(range, whole->dtype, std::move(whole->name), std::move(whole->shape));
}

/// Merges tensors that share bytes. A tensor without bytes keeps its place unless that is inside another tensor.
Result<FoundExtents> merged(std::vector<Extent> extents) {
  std::stable_sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) {
    return std::pair(a.offset_bytes, a.length_bytes) < std::pair(b.offset_bytes, b.length_bytes);
  });
  protobuf::ArrayList arrays;
  for (std::size_t i = 0; i < extents.size();) {
    const auto begin = extents[i].offset_bytes;
    auto end = begin + extents[i].length_bytes;
    std::size_t next = i + 1;
    while (next < extents.size() && extents[next].offset_bytes < end) {
      end = std::max(end, extents[next].offset_bytes + extents[next].length_bytes);
      ++next;
    }
    add_cluster({begin, end - begin}, std::span(extents).subspan(i, next - i), arrays);
    i = next;
  }
  return arrays.take_found();
}

std::optional<Result<FoundExtents>> parse(const ByteSource& file, std::string_view name, const Folder& folder) {
  for (const auto& model_name : models_beside(name, folder)) {
    const auto model = folder.open(model_name);
    if (!model || !kOnnx.matches(**model)) continue;
    auto extents = extents_in(**model, name, file.size_bytes());
    if (!extents) continue;
    if (*extents) return merged(std::move(**extents));
    return Error{fmt::format("described by {}: {}", quoted_name(model_name), extents->error().message)};
  }
  return std::nullopt;
}

}  // namespace

}  // namespace elves::formats::onnx_data

namespace elves::formats {

constinit const CompanionFormat kOnnxData{.id = FormatId::OnnxData, .name = "onnx-data", .parse = onnx_data::parse};

}  // namespace elves::formats
