#pragma once

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "families/family_layer.hpp"
#include "families/sketch.hpp"
#include "support/weights.hpp"

namespace elves::families {

using Normal = weights::NormalAt;

/// The elements of a layer.
inline std::vector<std::byte> bytes_of(DType dtype, std::span<const float> values) {
  return weights::elements_of(dtype, values.size(), [&](std::size_t i) { return static_cast<double>(values[i]); });
}

/// The sketch of a layer whose element at a position is `value(position)`.
template <class Value>
std::vector<std::byte> sketch_of(DType dtype, std::uint64_t layer_bytes, const Value& value) {
  std::vector<std::byte> sketch(sketch_bytes(dtype, layer_bytes));
  const auto format = sample_format(dtype);
  const std::uint64_t n = layer_bytes / format.number_bytes;
  const std::size_t n_samples = sketch.size() / format.bytes;
  const auto bytes = weights::elements_of(
      dtype, n_samples, [&](std::size_t i) { return static_cast<double>(value(sample_position(i, n))); });
  for (std::size_t i = 0; i < n_samples; ++i)
    std::memcpy(&sketch[i * format.bytes], &bytes[(i + 1) * format.number_bytes - format.bytes], format.bytes);
  return sketch;
}

inline Hash128 hash_of(const std::string& text) {
  return hash128(text);
}

/// New layers of a wave with their sketches.
struct Wave {
  std::vector<FamilyLayer> layers;
  std::vector<std::byte> sketches;

  /// The row is the number of layers before. Returns the layer, so that the caller may change it.
  FamilyLayer& add(DType dtype, std::uint64_t layer_bytes, std::span<const std::byte> sketch, const std::string& model,
                   const std::string& group = "group") {
    FamilyLayer layer;
    layer.group = hash128(group);
    layer.model = hash128(model);
    layer.name = hash128("weight");
    layer.size_bytes = layer_bytes;
    layer.source = layers.size();
    layer.place.row = layers.size();
    layer.place.shard = 7;
    layer.dtype = dtype;
    layers.push_back(layer);
    sketches.insert(sketches.end(), sketch.begin(), sketch.end());
    return layers.back();
  }
};

}  // namespace elves::families
