#pragma once

#include <cstdint>
#include <vector>

#include "tools/sample_hub/safetensors_writer.hpp"

namespace elves::sample {

/// Numbers from a seed: splitmix64, the same on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() noexcept;
  /// In [0, 1).
  double uniform() noexcept;
  /// Standard normal, by the polar method.
  double normal() noexcept;

 private:
  std::uint64_t state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

using Floats = std::vector<float>;

Floats normal(std::uint64_t n, double mean, double sigma, Random& random);
/// The values plus normal noise of `sigma`, as a short training run leaves them.
Floats nudged(const Floats& values, double sigma, Random& random);

/// Little-endian elements of one dtype, rounded to nearest even. F8_E4M3 saturates at 448, which has no infinity.
Bytes as_f32(const Floats& values);
Bytes as_f16(const Floats& values);
Bytes as_bf16(const Floats& values);
Bytes as_f8_e4m3(const Floats& values);
Bytes as_i64(const std::vector<std::int64_t>& values);

/// The values that bfloat16 keeps of these.
Floats rounded_to_bf16(const Floats& values);

}  // namespace elves::sample
