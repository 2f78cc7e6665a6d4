#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "formats/pickle/torch_object.hpp"
#include "support/checked.hpp"
#include "support/text.hpp"
#include "support/try.hpp"

namespace elves::formats::torch {
namespace {

/// The bytes of a storage from the first to the last byte of a tensor.
struct Span {
  const Tensor* tensor = nullptr;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool is_dense = false;  ///< each of these bytes belongs to exactly one element
};

bool is_empty(const Tensor& tensor) {
  return std::find(tensor.shape.begin(), tensor.shape.end(), 0) != tensor.shape.end();
}

/// True if the elements, in some order of the dimensions, follow one another.
bool is_dense(const Tensor& tensor) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> dimensions;  // stride, size
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    if (tensor.shape[i] != 1) dimensions.emplace_back(tensor.strides[i], tensor.shape[i]);
  }
  std::sort(dimensions.begin(), dimensions.end());
  std::uint64_t n = 1;
  for (const auto& [stride, size] : dimensions) {
    if (stride != n) return false;
    const auto product = checked_mul(n, size);
    if (!product) return false;
    n = *product;
  }
  return true;
}

/// Nothing if the size overflows.
std::optional<Span> span_of(const Tensor& tensor) {
  std::optional<std::uint64_t> end_elements = checked_add<std::uint64_t>(tensor.offset_elements, 1);
  for (std::size_t i = 0; end_elements && i < tensor.shape.size(); ++i) {
    const auto reach = checked_mul(tensor.shape[i] - 1, tensor.strides[i]);
    end_elements = reach ? checked_add(*end_elements, *reach) : std::nullopt;
  }
  const auto size = size_bytes(*tensor.dtype);
  const auto end = end_elements ? checked_mul<std::uint64_t>(*end_elements, size) : std::nullopt;
  if (!end) return std::nullopt;
  return Span{.tensor = &tensor, .begin = tensor.offset_elements * size, .end = *end, .is_dense = is_dense(tensor)};
}

/// The layers of one storage.
class StorageLayers {
 public:
  StorageLayers(const Storage& storage, const Place& place, std::vector<const Tensor*> tensors)
      : storage_(storage), place_(place), tensors_(std::move(tensors)) {}

  Result<void> add_to(FoundExtents& found) {
    ELVES_CHECK(read_spans());
    if (place_.length_bytes == 0) {
      add_empty(found);
    } else if (keep_disjoint()) {
      for (const auto& span : spans_) add(found, span);
    } else {
      add_flat(found);
    }
    return {};
  }

 private:
  Result<void> read_spans() {
    for (const auto* tensor : tensors_) {
      if (is_empty(*tensor)) continue;
      if (!tensor->dtype) {
        are_known_ = false;
        continue;
      }
      const auto span = span_of(*tensor);
      if (!span) return Error{fmt::format("tensor {} has a shape whose size overflows", quoted_name(tensor->name))};
      if (span->end > place_.length_bytes)
        return Error{fmt::format("tensor {} passes the end of storage {}", quoted_name(tensor->name),
                                 quoted_name(storage_.key))};
      spans_.push_back(*span);
    }
    return {};
  }

  /// Keeps the spans that contain all others; false if these cannot be layers of their own.
  bool keep_disjoint() {
    std::stable_sort(spans_.begin(), spans_.end(), [](const Span& a, const Span& b) {
      if (a.begin != b.begin) return a.begin < b.begin;
      if (a.end != b.end) return a.end > b.end;
      return a.is_dense && !b.is_dense;
    });
    std::vector<Span> outer;
    std::uint64_t covered_bytes = 0;
    for (const auto& span : spans_) {
      if (!outer.empty() && span.end <= outer.back().end) continue;
      if (!span.is_dense || (!outer.empty() && span.begin < outer.back().end)) return false;
      outer.push_back(span);
      covered_bytes += span.end - span.begin;
    }
    spans_ = std::move(outer);
    return are_known_ && covered_bytes >= ceil_div<std::uint64_t>(place_.length_bytes, 2);
  }

  void add(FoundExtents& found, const Span& span) const {
    found.extents.push_back(Extent{.offset_bytes = place_.offset_bytes + span.begin,
                                   .length_bytes = span.end - span.begin,
                                   .is_layer = true,
                                   .dtype = *span.tensor->dtype,
                                   .name = span.tensor->name,
                                   .shape = span.tensor->shape});
  }

  void add_empty(FoundExtents& found) const {
    if (tensors_.empty() || !tensors_.front()->dtype) return;
    add(found, Span{.tensor = tensors_.front(), .begin = 0, .end = 0, .is_dense = true});
  }

  void add_flat(FoundExtents& found) const {
    Extent extent{.offset_bytes = place_.offset_bytes, .length_bytes = place_.length_bytes};
    if (const auto dtype = flat_dtype()) {
      extent.is_layer = true;
      extent.dtype = *dtype;
      extent.name = tensors_.empty() ? "storage." + storage_.key : tensors_.front()->name;
      extent.shape = {place_.length_bytes / size_bytes(*dtype)};
    } else {
      found.opaque_bytes += place_.length_bytes;
    }
    found.extents.push_back(std::move(extent));
  }

  /// The dtype of its tensors, since a storage may be untyped.
  std::optional<DType> flat_dtype() const {
    auto dtype = storage_.dtype;
    if (!tensors_.empty() && tensors_.front()->dtype) dtype = tensors_.front()->dtype;
    if (dtype && place_.length_bytes % size_bytes(*dtype) != 0) dtype = DType::U8;
    return dtype;
  }

  const Storage& storage_;
  const Place& place_;
  std::vector<const Tensor*> tensors_;
  std::vector<Span> spans_;
  bool are_known_ = true;  ///< all tensors have a dtype
};

}  // namespace

Result<FoundExtents> layers_of(const Objects& objects, std::span<const std::optional<Place>> places) {
  std::vector<std::vector<const Tensor*>> tensors(objects.storages.size());
  for (const auto& tensor : objects.tensors) tensors[tensor.storage].push_back(&tensor);
  FoundExtents found;
  for (std::size_t i = 0; i < objects.storages.size(); ++i) {
    if (!places[i]) continue;
    StorageLayers layers(objects.storages[i], *places[i], std::move(tensors[i]));
    ELVES_CHECK(layers.add_to(found));
  }
  if (found.opaque_bytes > 0) found.opaque_reason = "storages of an unknown class";
  return found;
}

FoundExtents big_endian_storages(std::span<const std::optional<Place>> places) {
  FoundExtents found;
  for (const auto& place : places) found.opaque_bytes += place ? place->length_bytes : 0;
  if (found.opaque_bytes > 0) found.opaque_reason = "its numbers are big-endian";
  return found;
}

void add_to(FoundExtents& found, FoundExtents part, std::uint64_t offset_bytes) {
  for (auto& extent : part.extents) {
    extent.offset_bytes += offset_bytes;
    found.extents.push_back(std::move(extent));
  }
  found.opaque_bytes += part.opaque_bytes;
  if (!found.opaque_reason.empty() && !part.opaque_reason.empty()) found.opaque_reason += "; ";
  found.opaque_reason += part.opaque_reason;
}

}  // namespace elves::formats::torch
