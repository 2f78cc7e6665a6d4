#include "tools/sample_hub/arrays.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace elves::sample {
namespace {

std::uint16_t bf16_of(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>((bits >> 16) | 0x40);
  return static_cast<std::uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

/// A small float of `exponent_bits` and `mantissa_bits`; `most` is its largest finite number, `overflow` what stands
/// above.
std::uint32_t small_float_of(float value, int exponent_bits, int mantissa_bits, float most, std::uint32_t overflow) {
  const std::uint32_t sign = std::signbit(value) ? 1u << (exponent_bits + mantissa_bits) : 0u;
  const float magnitude = std::min(std::fabs(value), 2 * most);
  if (std::isnan(value)) return sign | ((1u << (exponent_bits + mantissa_bits)) - 1);
  if (magnitude == 0) return sign;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  int exponent = 0;
  (void)std::frexp(magnitude, &exponent);
  const int step = std::max(exponent - 1, 1 - bias) - mantissa_bits;  // the weight of the last bit, as a power of two
  const auto units = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(magnitude, -step)));
  if (std::ldexp(static_cast<float>(units), step) > most) return sign | overflow;
  // Normal numbers bring their hidden bit, which counts the exponent up by one.
  return sign | ((static_cast<std::uint32_t>(step + mantissa_bits + bias - 1) << mantissa_bits) + units);
}

template <class Element, class Convert>
Bytes converted(const Floats& values, Convert convert) {
  Bytes bytes(values.size() * sizeof(Element));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto element = static_cast<Element>(convert(values[i]));
    std::memcpy(bytes.data() + i * sizeof(Element), &element, sizeof(Element));
  }
  return bytes;
}

}  // namespace

std::uint64_t Random::bits() noexcept {
  std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

double Random::uniform() noexcept {
  return static_cast<double>(bits() >> 11) * 0x1p-53;
}

double Random::normal() noexcept {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  for (;;) {
    const double x = 2 * uniform() - 1;
    const double y = 2 * uniform() - 1;
    const double square = x * x + y * y;
    if (square >= 1 || square == 0) continue;
    const double factor = std::sqrt(-2 * std::log(square) / square);
    spare_ = y * factor;
    has_spare_ = true;
    return x * factor;
  }
}

Floats normal(std::uint64_t n, double mean, double sigma, Random& random) {
  Floats values(n);
  for (auto& value : values) value = static_cast<float>(mean + sigma * random.normal());
  return values;
}

Floats nudged(const Floats& values, double sigma, Random& random) {
  Floats result(values);
  for (auto& value : result) value += static_cast<float>(sigma * random.normal());
  return result;
}

Bytes as_f32(const Floats& values) {
  return converted<std::uint32_t>(values, [](float value) { return std::bit_cast<std::uint32_t>(value); });
}
Bytes as_f16(const Floats& values) {
  return converted<std::uint16_t>(values, [](float value) { return small_float_of(value, 5, 10, 65504.0f, 0x7C00); });
}
Bytes as_bf16(const Floats& values) {
  return converted<std::uint16_t>(values, bf16_of);
}
Bytes as_f8_e4m3(const Floats& values) {
  return converted<std::uint8_t>(values, [](float value) { return small_float_of(value, 4, 3, 448.0f, 0x7E); });
}
Bytes as_i64(const std::vector<std::int64_t>& values) {
  Bytes bytes(values.size() * sizeof(std::int64_t));
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

Floats rounded_to_bf16(const Floats& values) {
  Floats result(values.size());
  std::transform(values.begin(), values.end(), result.begin(),
                 [](float value) { return std::bit_cast<float>(std::uint32_t{bf16_of(value)} << 16); });
  return result;
}

}  // namespace elves::sample
