#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "elves/codec.hpp"
#include "support/weights.hpp"

/// Data for benchmarks of the codec.
namespace elves::benchmarks {

using Bytes = std::vector<std::byte>;

/// A kind of generated data.
struct DataKind {
  const char* name;
  DType dtype;
  Bytes (*make)(std::size_t n_bytes, double sigma, std::uint64_t seed);
};

template <DType kDType>
Bytes normal(std::size_t n_bytes, double sigma, std::uint64_t seed) {
  return weights::normal_weights(kDType, n_bytes / size_bytes(kDType), sigma, seed);
}

template <DType kStored>
Bytes upcast(std::size_t n_bytes, double sigma, std::uint64_t seed) {
  return weights::upcast_weights(kStored, DType::F32, n_bytes / size_bytes(DType::F32), sigma, seed);
}

inline Bytes rising(std::size_t n_bytes, double, std::uint64_t seed) {
  return weights::rising_indices(n_bytes / size_bytes(DType::I32), seed);
}

inline Bytes quantized(std::size_t n_bytes, double, std::uint64_t seed) {
  return weights::quantized_weights(n_bytes, seed);
}

inline constexpr DataKind kF32{"f32 normal", DType::F32, normal<DType::F32>};
inline constexpr DataKind kF64{"f64 normal", DType::F64, normal<DType::F64>};
inline constexpr DataKind kBf16{"bf16 normal", DType::BF16, normal<DType::BF16>};
inline constexpr DataKind kF16{"f16 normal", DType::F16, normal<DType::F16>};
inline constexpr DataKind kF8E4M3{"f8e4m3 normal", DType::F8E4M3, normal<DType::F8E4M3>};
inline constexpr DataKind kF8E5M2{"f8e5m2 normal", DType::F8E5M2, normal<DType::F8E5M2>};
inline constexpr DataKind kF32FromBf16{"f32 from bf16", DType::F32, upcast<DType::BF16>};
inline constexpr DataKind kF32FromF16{"f32 from f16", DType::F32, upcast<DType::F16>};
inline constexpr DataKind kI32{"i32 rising indices", DType::I32, rising};
inline constexpr DataKind kI8{"i8 quantized weights", DType::I8, quantized};

/// Layers of one chunk each.
struct DataSet {
  std::string name;
  DType dtype = DType::F32;
  std::vector<Bytes> chunks;
};

/// The standard deviation of layer k of `n_layers`: from 0.01 to 0.08 in equal ratios.
inline double layer_sigma(std::size_t k, std::size_t n_layers) {
  return n_layers == 1 ? 0.02 : 0.01 * std::pow(8.0, static_cast<double>(k) / static_cast<double>(n_layers - 1));
}

inline DataSet data_set(const DataKind& kind, std::size_t n_layers) {
  DataSet set{.name = kind.name, .dtype = kind.dtype, .chunks = {}};
  for (std::size_t k = 0; k < n_layers; ++k) {
    set.chunks.push_back(kind.make(kChunkBytes, layer_sigma(k, n_layers), k + 1));
  }
  return set;
}

/// `n_layers` layers: copies of the given ones in turns, each in memory of its own.
inline DataSet repeated(DataSet set, std::size_t n_layers) {
  const std::size_t n_distinct = set.chunks.size();
  for (std::size_t k = n_distinct; k < n_layers; ++k) set.chunks.push_back(set.chunks[k - n_distinct]);
  return set;
}

}  // namespace elves::benchmarks
