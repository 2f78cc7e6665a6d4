#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <span>
#include <vector>

#include "elves/dtype.hpp"

/// Generated weights for tests and benchmarks. The same arguments give the same bytes on every machine with the same
/// mathematical library.
namespace elves::weights {

using Bytes = std::vector<std::byte>;

/// Random numbers from a seed, one after the other.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t bits() { return engine_(); }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }
  double uniform();  ///< in (0, 1)
  double normal();   ///< standard normal

 private:
  std::mt19937_64 engine_;
};

/// Normal numbers from a seed, at any position: a huge layer of them costs only the elements that are asked for.
class NormalAt {
 public:
  NormalAt(std::uint64_t seed, double sigma) : seed_(seed), sigma_(sigma) {}
  double operator()(std::uint64_t position) const;

 private:
  double uniform(std::uint64_t counter) const;

  std::uint64_t seed_;
  double sigma_;
};

/// Bit patterns of small floats, rounded to nearest even. Larger values become infinity; F8E4M3 has none and saturates
/// at 448.
std::uint16_t to_f16(double value);
std::uint16_t to_bf16(double value);
std::uint8_t to_f8e4m3(double value);
std::uint8_t to_f8e5m2(double value);

/// The value of a half; exact.
double half_to_double(std::uint16_t half);

/// The bytes of `n` elements. Element i of a float dtype is value(i) rounded; complex numbers take two values each. Of
/// other dtypes it is the integer part of 1000 * value(i), modulo the element's size; blocks consist of several such
/// integers.
Bytes elements_of(DType dtype, std::size_t n, const std::function<double(std::size_t)>& value);

Bytes random_bytes(std::size_t n, std::uint64_t seed);

/// Normal weights with mean 0.
Bytes normal_weights(DType dtype, std::size_t n, double sigma, std::uint64_t seed);

/// Normal weights that were rounded to `stored` (BF16 or F16) before they became F32 or F64, as many checkpoints are.
Bytes upcast_weights(DType stored, DType dtype, std::size_t n, double sigma, std::uint64_t seed);

/// Normal weights of which one in `period` is kept, at random; the others are zero.
Bytes sparse_weights(DType dtype, std::size_t n, std::size_t period, double sigma, std::uint64_t seed);

/// Weights and the weights that they were trained from: N(0, 0.02), apart by normal noise of `noise` * 0.02.
struct FineTune {
  Bytes base;
  Bytes own;
};
FineTune fine_tune(DType dtype, std::size_t n, double noise, std::uint64_t seed = 21);

/// Elements that are drawn from `n_values` random bit patterns.
Bytes few_values(DType dtype, std::size_t n, std::size_t n_values, std::uint64_t seed);

/// I8: normal weights of which four standard deviations are 127.
Bytes quantized_weights(std::size_t n, std::uint64_t seed);

/// I32: the positions of the elements of a sparse tensor, each 1 to 32 above the one before.
Bytes rising_indices(std::size_t n, std::uint64_t seed);

/// Quantized blocks of ggml: each field of a block has its own range of frequent numbers.
Bytes quantized_blocks(DType dtype, std::size_t n_blocks);

/// The bytes of an array, and back.
template <class T>
Bytes bytes_of(const std::vector<T>& values) {
  Bytes bytes(values.size() * sizeof(T));
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

template <class T>
std::vector<T> values_of(std::span<const std::byte> bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace elves::weights
