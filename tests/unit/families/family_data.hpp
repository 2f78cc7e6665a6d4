#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "families/family_layer.hpp"
#include "families/sketch.hpp"

namespace elves::families {

/// Numbers of a layer as its elements' bytes.
inline std::vector<std::byte> bytes_of(DType dtype, std::span<const float> values) {
  std::vector<std::byte> bytes(values.size() * size_bytes(dtype));
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint32_t word;
    std::memcpy(&word, &values[i], 4);
    if (dtype == DType::BF16) word = (word + 0x7FFF + (word >> 16 & 1)) >> 16;
    if (dtype == DType::F64) {
      const double wide = static_cast<double>(values[i]) * (1 + 1e-9 * static_cast<double>(i % 97));
      std::memcpy(&bytes[i * 8], &wide, 8);
    } else {
      std::memcpy(&bytes[i * size_bytes(dtype)], &word, size_bytes(dtype));
    }
  }
  return bytes;
}

/// Values of a seed that are drawn one by one where a sketch looks: layers of any size cost their samples only.
class Normal {
 public:
  explicit Normal(std::uint64_t seed, double sigma) : seed_(seed), sigma_(sigma) {}
  double operator()(std::uint64_t position) const {
    const double u = uniform(2 * position);
    const double v = uniform(2 * position + 1);
    return sigma_ * std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v);
  }

 private:
  double uniform(std::uint64_t counter) const {
    std::uint64_t x = counter * 0x9E3779B97F4A7C15u + seed_ * 0xD1342543DE82EF95u + 0x1234567;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return (static_cast<double>((x ^ (x >> 31)) >> 11) + 0.5) * 0x1p-53;
  }
  std::uint64_t seed_;
  double sigma_;
};

/// The sketch of a layer whose element at a position is `value(position)`.
template <class Value>
std::vector<std::byte> sketch_of(DType dtype, std::uint64_t layer_bytes, const Value& value) {
  std::vector<std::byte> sketch(sketch_bytes(dtype, layer_bytes));
  const auto format = sample_format(dtype);
  const std::uint64_t n = layer_bytes / format.number_bytes;
  std::vector<float> values;
  for (std::size_t i = 0; i < sketch.size() / format.bytes; ++i)
    values.push_back(static_cast<float>(value(sample_position(i, n))));
  const auto bytes = bytes_of(dtype, values);
  for (std::size_t i = 0; i < values.size(); ++i)
    std::memcpy(&sketch[i * format.bytes], &bytes[(i + 1) * format.number_bytes - format.bytes], format.bytes);
  return sketch;
}

inline Hash128 hash_of(const std::string& text) {
  return hash128(text);
}

/// Newcomers of a wave with their sketches.
struct Wave {
  std::vector<FamilyLayer> layers;
  std::vector<std::byte> sketches;

  /// `order` is the row; returns the layer so that the caller may change it.
  FamilyLayer& add(DType dtype, std::uint64_t layer_bytes, std::span<const std::byte> sketch, const std::string& model,
                   const std::string& group = "group") {
    FamilyLayer layer;
    layer.group = hash128(group);
    layer.model = hash128(model);
    layer.name = hash128("weight");
    layer.size_bytes = layer_bytes;
    layer.source = layers.size();
    layer.row = layers.size();
    layer.shard = 7;
    layer.dtype = dtype;
    layers.push_back(layer);
    sketches.insert(sketches.end(), sketch.begin(), sketch.end());
    return layers.back();
  }
};

}  // namespace elves::families
