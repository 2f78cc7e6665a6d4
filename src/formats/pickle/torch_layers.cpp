#include <algorithm>
#include <string_view>
#include <utility>

#include "formats/pickle/torch_object.hpp"
#include "support/checked.hpp"
#include "support/text.hpp"

namespace elves::formats::torch {
namespace {

/// The bytes of a storage from the first to the last that a tensor has.
struct Span {
  const Tensor* tensor = nullptr;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool is_dense = false;  ///< each of them is the tensor's, once
};

std::string shown(std::string_view text) {
  return "'" + printable(text.substr(0, 100)) + "'";
}

bool is_empty(const Tensor& tensor) {
  return std::find(tensor.shape.begin(), tensor.shape.end(), 0) != tensor.shape.end();
}

/// True where the elements, in some order of the dimensions, follow one another.
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

/// Nothing where the size overflows.
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

  Result<void> add_to(Layout& layout) {
    if (auto done = read_spans(); !done) return done.error();
    if (place_.length_bytes == 0) {
      add_empty(layout);
    } else if (has_apart()) {
      for (const auto& span : spans_) add(layout, span);
    } else {
      add_flat(layout);
    }
    return {};
  }

 private:
  Result<void> read_spans() {
    for (const auto* tensor : tensors_) {
      if (is_empty(*tensor)) continue;
      if (!tensor->dtype) {
        is_told_ = false;
        continue;
      }
      const auto span = span_of(*tensor);
      if (!span) return Error{"tensor " + shown(tensor->name) + " has a shape whose size overflows"};
      if (span->end > place_.length_bytes)
        return Error{"tensor " + shown(tensor->name) + " passes the end of storage " + shown(storage_.key)};
      spans_.push_back(*span);
    }
    return {};
  }

  /// Leaves the spans that contain all others; false where these are no layers apart.
  bool has_apart() {
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
    return is_told_ && covered_bytes >= ceil_div<std::uint64_t>(place_.length_bytes, 2);
  }

  void add(Layout& layout, const Span& span) const {
    layout.extents.push_back(Extent{.offset_bytes = place_.offset_bytes + span.begin,
                                    .length_bytes = span.end - span.begin,
                                    .is_layer = true,
                                    .dtype = *span.tensor->dtype,
                                    .name = span.tensor->name,
                                    .shape = span.tensor->shape});
  }

  void add_empty(Layout& layout) const {
    if (tensors_.empty() || !tensors_.front()->dtype) return;
    add(layout, Span{.tensor = tensors_.front(), .begin = 0, .end = 0, .is_dense = true});
  }

  void add_flat(Layout& layout) const {
    Extent extent{.offset_bytes = place_.offset_bytes, .length_bytes = place_.length_bytes};
    if (const auto dtype = flat_dtype()) {
      extent.is_layer = true;
      extent.dtype = *dtype;
      extent.name = tensors_.empty() ? "storage." + storage_.key : tensors_.front()->name;
      extent.shape = {place_.length_bytes / size_bytes(*dtype)};
    } else {
      layout.opaque_bytes += place_.length_bytes;
    }
    layout.extents.push_back(std::move(extent));
  }

  /// That of its tensors, of which an untyped storage knows nothing.
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
  bool is_told_ = true;  ///< all tensors have a dtype
};

}  // namespace

Result<Layout> layers_of(const Objects& objects, std::span<const std::optional<Place>> places) {
  std::vector<std::vector<const Tensor*>> tensors(objects.storages.size());
  for (const auto& tensor : objects.tensors) tensors[tensor.storage].push_back(&tensor);
  Layout layout;
  for (std::size_t i = 0; i < objects.storages.size(); ++i) {
    if (!places[i]) continue;
    StorageLayers layers(objects.storages[i], *places[i], std::move(tensors[i]));
    if (auto done = layers.add_to(layout); !done) return done.error();
  }
  if (layout.opaque_bytes > 0) layout.opaque_reason = "storages of a class that is not known";
  return layout;
}

Layout big_endian_layout(std::span<const std::optional<Place>> places) {
  Layout layout;
  for (const auto& place : places) layout.opaque_bytes += place ? place->length_bytes : 0;
  if (layout.opaque_bytes > 0) layout.opaque_reason = "numbers are big-endian";
  return layout;
}

void add_to(Layout& layout, Layout part, std::uint64_t offset_bytes) {
  for (auto& extent : part.extents) {
    extent.offset_bytes += offset_bytes;
    layout.extents.push_back(std::move(extent));
  }
  layout.opaque_bytes += part.opaque_bytes;
  if (!layout.opaque_reason.empty() && !part.opaque_reason.empty()) layout.opaque_reason += "; ";
  layout.opaque_reason += part.opaque_reason;
}

}  // namespace elves::formats::torch
