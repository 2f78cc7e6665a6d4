#pragma once

#include <algorithm>
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

/// Seeded numbers of a normal distribution.
class NormalNumbers {
 public:
  NormalNumbers(double sigma, std::uint64_t seed) : sigma_(sigma), random_(seed) {}
  double next() {
    const double radius = sigma_ * std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  double uniform() { return (static_cast<double>(random_() >> 11) + 0.5) * 0x1p-53; }

  double sigma_;
  std::mt19937_64 random_;
};

inline std::uint32_t to_f32(double weight) {
  return std::bit_cast<std::uint32_t>(static_cast<float>(weight));
}

inline std::uint64_t to_f64(double weight) {
  return std::bit_cast<std::uint64_t>(weight);
}

/// Rounds to nearest even, as PyTorch does; so do those below.
inline std::uint16_t to_bf16(double weight) {
  const auto f32 = to_f32(weight);
  return static_cast<std::uint16_t>((f32 + 0x7FFF + (f32 >> 16 & 1)) >> 16);
}

/// An IEEE-like float: sign, exponent, mantissa. |weight| must be below its largest number.
template <class Word, int kExponentBits, int kMantissaBits>
Word to_small_float(double weight) {
  constexpr int kBias = (1 << (kExponentBits - 1)) - 1;
  const double magnitude = std::abs(weight);
  const int exponent = magnitude == 0 ? 1 - kBias : std::max(std::ilogb(magnitude), 1 - kBias);
  const int steps = static_cast<int>(std::nearbyint(std::ldexp(magnitude, kMantissaBits - exponent)));
  const int sign = std::signbit(weight) ? 1 << (kExponentBits + kMantissaBits) : 0;
  return static_cast<Word>(sign + ((exponent + kBias - 1) << kMantissaBits) + steps);
}

inline std::uint16_t to_f16(double weight) {
  return to_small_float<std::uint16_t, 5, 10>(weight);
}

inline std::uint8_t to_f8e4m3(double weight) {
  return to_small_float<std::uint8_t, 4, 3>(weight);
}

inline std::uint8_t to_f8e5m2(double weight) {
  return to_small_float<std::uint8_t, 5, 2>(weight);
}

/// bfloat16 or float16 weights that were stored as float32, as many checkpoints are.
inline std::uint32_t to_f32_from_bf16(double weight) {
  return std::uint32_t{to_bf16(weight)} << 16;
}

inline std::uint32_t to_f32_from_f16(double weight) {
  const double magnitude = std::abs(weight);
  const double step = std::ldexp(1.0, std::max(std::ilogb(magnitude), -14) - 10);
  return to_f32(std::copysign(std::nearbyint(magnitude / step) * step, weight));
}

template <class Word>
std::vector<std::byte> bytes_of(const std::vector<Word>& words) {
  std::vector<std::byte> bytes(words.size() * sizeof(Word));
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

template <class Word, Word (*convert)(double)>
std::vector<std::byte> weights(std::size_t size_bytes, double sigma, std::uint64_t seed) {
  NormalNumbers numbers(sigma, seed);
  std::vector<Word> words(size_bytes / sizeof(Word));
  for (Word& word : words) word = convert(numbers.next());
  return bytes_of(words);
}

/// Weights quantized so that four standard deviations are 127.
inline std::vector<std::byte> quantized_weights(std::size_t size_bytes, double, std::uint64_t seed) {
  NormalNumbers numbers(127.0 / 4, seed);
  std::vector<std::int8_t> words(size_bytes);
  for (auto& word : words) word = static_cast<std::int8_t>(std::clamp(std::nearbyint(numbers.next()), -127.0, 127.0));
  return bytes_of(words);
}

/// Where the non-zero elements of a sparse tensor lie: rising, by 1 to 32.
inline std::vector<std::byte> rising_indices(std::size_t size_bytes, double, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::int32_t> words(size_bytes / sizeof(std::int32_t));
  std::int32_t at = 0;
  for (auto& word : words) word = at += 1 + static_cast<std::int32_t>(random() % 32);
  return bytes_of(words);
}

/// A kind of generated data.
struct DataKind {
  const char* name;
  DType dtype;
  std::vector<std::byte> (*make)(std::size_t size_bytes, double sigma, std::uint64_t seed);
};

inline constexpr DataKind kF32{"f32 normal", DType::F32, weights<std::uint32_t, to_f32>};
inline constexpr DataKind kF64{"f64 normal", DType::F64, weights<std::uint64_t, to_f64>};
inline constexpr DataKind kBf16{"bf16 normal", DType::BF16, weights<std::uint16_t, to_bf16>};
inline constexpr DataKind kF16{"f16 normal", DType::F16, weights<std::uint16_t, to_f16>};
inline constexpr DataKind kF8E4M3{"f8e4m3 normal", DType::F8E4M3, weights<std::uint8_t, to_f8e4m3>};
inline constexpr DataKind kF8E5M2{"f8e5m2 normal", DType::F8E5M2, weights<std::uint8_t, to_f8e5m2>};
inline constexpr DataKind kF32FromBf16{"f32 from bf16", DType::F32, weights<std::uint32_t, to_f32_from_bf16>};
inline constexpr DataKind kF32FromF16{"f32 from f16", DType::F32, weights<std::uint32_t, to_f32_from_f16>};
inline constexpr DataKind kI32{"i32 rising indices", DType::I32, rising_indices};
inline constexpr DataKind kI8{"i8 quantized weights", DType::I8, quantized_weights};

/// Layers of one chunk each.
struct DataSet {
  std::string name;
  DType dtype = DType::F32;
  std::vector<std::vector<std::byte>> chunks;
};

/// Layer k of `n_layers`: standard deviations from 0.01 to 0.08 in equal ratios.
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

/// As many layers as given, the same few again and again, each in memory of its own.
inline DataSet repeated(DataSet set, std::size_t n_layers) {
  const std::size_t n_distinct = set.chunks.size();
  for (std::size_t k = n_distinct; k < n_layers; ++k) set.chunks.push_back(set.chunks[k - n_distinct]);
  return set;
}

inline DataSet f32_weights(std::size_t n_layers) {
  return data_set(kF32, n_layers);
}

inline DataSet bf16_weights(std::size_t n_layers) {
  return data_set(kBf16, n_layers);
}

inline DataSet upcast_weights(std::size_t n_layers) {
  return data_set(kF32FromBf16, n_layers);
}

}  // namespace elves::benchmarks
