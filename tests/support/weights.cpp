#include "support/weights.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

#include "encode/transforms/blocks/layouts.hpp"

namespace elves::weights {
namespace {

constexpr double kSigma = 0.02;  // of fine_tune()

/// A float of 1 sign bit, `exponent_bits` and `mantissa_bits`. Values above `most` become `overflow`.
unsigned small_float(double value, unsigned exponent_bits, unsigned mantissa_bits, double most, unsigned overflow) {
  const unsigned sign = std::signbit(value) ? 1u << (exponent_bits + mantissa_bits) : 0;
  const double magnitude = std::min(std::abs(value), 2 * most);
  if (std::isnan(value)) return sign | ((1u << (exponent_bits + mantissa_bits)) - 1);
  if (magnitude == 0) return sign;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = std::max(std::ilogb(magnitude), 1 - bias);
  const int last_bit = exponent - static_cast<int>(mantissa_bits);
  const double steps = std::nearbyint(std::ldexp(magnitude, -last_bit));
  if (std::ldexp(steps, last_bit) > most) return sign | overflow;
  // The hidden bit of a normal number is part of `steps` and raises the exponent by one.
  return sign + (static_cast<unsigned>(exponent + bias - 1) << mantissa_bits) + static_cast<unsigned>(steps);
}

template <class Word>
void append(Word word, std::size_t n_bytes, Bytes& to) {
  const auto* from = reinterpret_cast<const std::byte*>(&word);
  to.insert(to.end(), from, from + n_bytes);
}

template <class Word>
void append(Word word, Bytes& to) {
  append(word, sizeof(word), to);
}

void append_value(DType dtype, double value, Bytes& to) {
  switch (dtype) {
    case DType::F16:
    case DType::C32:
      return append(to_f16(value), to);
    case DType::BF16:
      return append(to_bf16(value), to);
    case DType::F32:
    case DType::C64:
      return append(static_cast<float>(value), to);
    case DType::F64:
    case DType::C128:
      return append(value, to);
    case DType::F8E4M3:
      return append(to_f8e4m3(value), to);
    case DType::F8E5M2:
      return append(to_f8e5m2(value), to);
    default:
      break;
  }
  const double limit = static_cast<double>(std::numeric_limits<std::int64_t>::max() / 2);
  const auto integer = static_cast<std::int64_t>(std::isnan(value) ? 0 : std::clamp(value * 1000, -limit, limit));
  for (std::size_t n = size_bytes(dtype); n > 0; n -= std::min(n, sizeof integer)) {
    append(integer, std::min(n, sizeof integer), to);
  }
}

}  // namespace

double Random::uniform() {
  return (static_cast<double>(engine_() >> 11) + 0.5) * 0x1p-53;
}

double Random::normal() {
  const double radius = std::sqrt(-2 * std::log(uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

double NormalAt::operator()(std::uint64_t position) const {
  const double radius = std::sqrt(-2 * std::log(uniform(2 * position)));
  return sigma_ * radius * std::cos(2 * std::numbers::pi * uniform(2 * position + 1));
}

double NormalAt::uniform(std::uint64_t counter) const {
  std::uint64_t x = counter * 0x9E3779B97F4A7C15u + seed_ * 0xD1342543DE82EF95u + 0x1234567;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return (static_cast<double>((x ^ (x >> 31)) >> 11) + 0.5) * 0x1p-53;
}

std::uint16_t to_f16(double value) {
  return static_cast<std::uint16_t>(small_float(value, 5, 10, 65504, 0x7C00));
}

std::uint16_t to_bf16(double value) {
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
  if (std::isnan(value)) return static_cast<std::uint16_t>(bits >> 16 | 0x40);
  return static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

std::uint8_t to_f8e4m3(double value) {
  return static_cast<std::uint8_t>(small_float(value, 4, 3, 448, 0x7E));
}

std::uint8_t to_f8e5m2(double value) {
  return static_cast<std::uint8_t>(small_float(value, 5, 2, 57344, 0x7C));
}

double half_to_double(std::uint16_t half) {
  const double sign = (half & 0x8000) != 0 ? -1 : 1;
  const int exponent = half >> 10 & 31;
  const int mantissa = half & 1023;
  if (exponent == 31) return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * HUGE_VAL;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

Bytes elements_of(DType dtype, std::size_t n, const std::function<double(std::size_t)>& value) {
  Bytes bytes;
  bytes.reserve(n * size_bytes(dtype));
  for (std::size_t i = 0; bytes.size() < n * size_bytes(dtype); ++i) append_value(dtype, value(i), bytes);
  return bytes;
}

Bytes random_bytes(std::size_t n, std::uint64_t seed) {
  Random random(seed);
  Bytes bytes(n);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random.bits() >> 32);
  return bytes;
}

Bytes normal_weights(DType dtype, std::size_t n, double sigma, std::uint64_t seed) {
  Random random(seed);
  return elements_of(dtype, n, [&](std::size_t) { return sigma * random.normal(); });
}

Bytes upcast_weights(DType stored, DType dtype, std::size_t n, double sigma, std::uint64_t seed) {
  Random random(seed);
  return elements_of(dtype, n, [&](std::size_t) {
    const double weight = sigma * random.normal();
    if (stored == DType::F16) return half_to_double(to_f16(weight));
    return static_cast<double>(std::bit_cast<float>(std::uint32_t{to_bf16(weight)} << 16));
  });
}

Bytes sparse_weights(DType dtype, std::size_t n, std::size_t period, double sigma, std::uint64_t seed) {
  Random random(seed);
  return elements_of(dtype, n, [&](std::size_t) { return random.below(period) == 0 ? sigma * random.normal() : 0.0; });
}

FineTune fine_tune(DType dtype, std::size_t n, double noise, std::uint64_t seed) {
  std::vector<double> base(2 * n);  // complex numbers take two values
  Random random(seed);
  for (auto& weight : base) weight = kSigma * random.normal();
  FineTune made;
  made.base = elements_of(dtype, n, [&](std::size_t i) { return base[i]; });
  made.own = elements_of(dtype, n, [&](std::size_t i) { return base[i] + kSigma * noise * random.normal(); });
  return made;
}

Bytes few_values(DType dtype, std::size_t n, std::size_t n_values, std::uint64_t seed) {
  const auto size = size_bytes(dtype);
  const auto values = random_bytes(n_values * size, seed);
  Random random(seed + 1);
  Bytes bytes(n * size);
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    std::memcpy(&bytes[at], &values[random.below(n_values) * size], size);
  }
  return bytes;
}

Bytes quantized_weights(std::size_t n, std::uint64_t seed) {
  Random random(seed);
  Bytes bytes(n);
  for (auto& byte : bytes) {
    byte = static_cast<std::byte>(
        static_cast<int>(std::clamp(std::nearbyint(127.0 / 4 * random.normal()), -127.0, 127.0)));
  }
  return bytes;
}

Bytes rising_indices(std::size_t n, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::int32_t> indices(n);
  std::int32_t at = 0;
  for (auto& index : indices) index = at += 1 + static_cast<std::int32_t>(random.below(32));
  return bytes_of(indices);
}

Bytes quantized_blocks(DType dtype, std::size_t n_blocks) {
  const auto* layout = encode::blocks::layout_of(dtype);
  Random random(12);
  std::vector<Bytes> streams;
  std::vector<const std::byte*> from;
  for (const auto& field : layout->fields) {
    auto& stream = streams.emplace_back();
    const auto n_numbers = std::size_t{1} << field.width();
    const auto first = random.below(n_numbers);
    for (std::size_t i = 0; i < n_blocks * field.symbols(); ++i) {
      const auto spread = random.below(n_numbers / 8 + 2) * random.below(3) / 2;
      stream.push_back(static_cast<std::byte>((first + spread) % n_numbers));
    }
  }
  for (const auto& stream : streams) from.push_back(stream.data());
  Bytes blocks(n_blocks * layout->block_bytes);
  layout->join(from.data(), n_blocks, blocks.data());
  return blocks;
}

}  // namespace elves::weights
