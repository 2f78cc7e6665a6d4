#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "elves/codec.hpp"

namespace elves::benchmarks {

/// A generated data set: layers of one chunk each.
struct DataSet {
  std::string name;
  DType dtype = DType::F32;
  std::vector<std::vector<std::byte>> chunks;
};

inline std::vector<float> normal_weights(std::size_t n, double sigma, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto uniform = [&] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
  std::vector<float> weights(n);
  for (float& weight : weights) {
    weight =
        static_cast<float>(sigma * std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform()));
  }
  return weights;
}

/// Layer k of `n_layers`: standard deviations from 0.01 to 0.08 in equal ratios.
inline double layer_sigma(std::size_t k, std::size_t n_layers) {
  return 0.01 * std::pow(8.0, static_cast<double>(k) / static_cast<double>(n_layers - 1));
}

template <class Word, class Convert>
DataSet weights_as(std::string name, DType dtype, std::size_t n_layers, std::size_t chunk_bytes, Convert convert) {
  DataSet set{.name = std::move(name), .dtype = dtype, .chunks = {}};
  for (std::size_t k = 0; k < n_layers; ++k) {
    const auto weights = normal_weights(chunk_bytes / sizeof(Word), layer_sigma(k, n_layers), k + 1);
    std::vector<Word> words;
    for (const float weight : weights) words.push_back(convert(std::bit_cast<std::uint32_t>(weight)));
    auto& chunk = set.chunks.emplace_back(chunk_bytes);
    std::memcpy(chunk.data(), words.data(), chunk_bytes);
  }
  return set;
}

/// Rounds to nearest even, as PyTorch does.
inline std::uint16_t to_bf16(std::uint32_t f32) {
  return static_cast<std::uint16_t>((f32 + 0x7FFF + (f32 >> 16 & 1)) >> 16);
}

inline DataSet f32_weights(std::size_t n_layers, std::size_t chunk_bytes = kChunkBytes) {
  return weights_as<std::uint32_t>("f32 normal", DType::F32, n_layers, chunk_bytes, [](std::uint32_t w) { return w; });
}

inline DataSet bf16_weights(std::size_t n_layers, std::size_t chunk_bytes = kChunkBytes) {
  return weights_as<std::uint16_t>("bf16 normal", DType::BF16, n_layers, chunk_bytes, to_bf16);
}

/// bfloat16 weights that were stored as float32, as many checkpoints are.
inline DataSet upcast_weights(std::size_t n_layers, std::size_t chunk_bytes = kChunkBytes) {
  return weights_as<std::uint32_t>("f32 from bf16", DType::F32, n_layers, chunk_bytes,
                                   [](std::uint32_t w) { return std::uint32_t{to_bf16(w)} << 16; });
}

}  // namespace elves::benchmarks
