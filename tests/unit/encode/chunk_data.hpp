#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <numbers>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "elves/codec.hpp"
#include "encode/transforms/blocks/layouts.hpp"

/// Seeded data for tests of encode/.
namespace elves::testing {

using Bytes = std::vector<std::byte>;

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

/// A half as a double; exact.
inline double half_to_double(std::uint16_t half) {
  const double sign = half & 0x8000 ? -1 : 1;
  const int exponent = half >> 10 & 31;
  const int mantissa = half & 1023;
  if (exponent == 31) return mantissa ? std::numeric_limits<double>::quiet_NaN() : sign * HUGE_VAL;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

/// The nearest half that is not larger in magnitude: good enough to make weights.
inline std::uint16_t to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000);
  const int exponent = static_cast<int>(bits >> 23 & 255) - 112;
  if (exponent <= 0) return sign;
  if (exponent >= 31) return static_cast<std::uint16_t>(sign | 0x7C00);
  return static_cast<std::uint16_t>(sign | exponent << 10 | static_cast<int>(bits >> 13 & 1023));
}

inline double element_as_double(DType dtype, const std::byte* at) {
  if (dtype == DType::F16) {
    std::uint16_t half;
    std::memcpy(&half, at, 2);
    return half_to_double(half);
  }
  if (dtype == DType::F32) {
    float value;
    std::memcpy(&value, at, 4);
    return static_cast<double>(value);
  }
  double value;
  std::memcpy(&value, at, 8);
  return value;
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t bits() { return engine_(); }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }
  double uniform() { return (static_cast<double>(engine_() >> 11) + 0.5) * 0x1p-53; }
  double normal() { return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform()); }

 private:
  std::mt19937_64 engine_;
};

/// One element of a float dtype (of the parts, for complex), or the low bytes of the bits for other dtypes.
inline void put_value(DType dtype, double value, Bytes& to) {
  const auto append = [&](const auto& x) {
    const auto* from = reinterpret_cast<const std::byte*>(&x);
    to.insert(to.end(), from, from + sizeof x);
  };
  const auto f32 = static_cast<float>(value);
  if (dtype == DType::F16) return append(to_half(f32));
  if (dtype == DType::BF16) return append(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(f32) >> 16));
  if (dtype == DType::F32 || dtype == DType::C64) return append(f32);
  if (dtype == DType::F64 || dtype == DType::C128) return append(value);
  const auto integer = static_cast<std::int64_t>(value * 1000);
  const auto* from = reinterpret_cast<const std::byte*>(&integer);
  for (std::size_t n = size_bytes(dtype); n > 0; n -= std::min(n, sizeof(integer))) {  // a block is many integers
    to.insert(to.end(), from, from + std::min(n, sizeof(integer)));
  }
}

inline Bytes made_of(DType dtype, std::size_t n, const std::function<double(std::size_t)>& value) {
  Bytes bytes;
  for (std::size_t i = 0; bytes.size() < n * size_bytes(dtype); ++i) put_value(dtype, value(i), bytes);
  return bytes;
}

inline Bytes random_bytes(std::size_t n, std::uint64_t seed) {
  Random random(seed);
  Bytes bytes(n);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random.bits() >> 32);
  return bytes;
}

inline Bytes normal_weights(DType dtype, std::size_t n, double sigma, std::uint64_t seed) {
  Random random(seed);
  return made_of(dtype, n, [&](std::size_t) { return sigma * random.normal(); });
}

/// Weights, and those that they were trained from: apart by `noise` times sigma.
struct FineTune {
  Bytes base;
  Bytes own;
};

inline FineTune fine_tune(DType dtype, std::size_t n, double noise, std::uint64_t seed = 21) {
  constexpr double kSigma = 0.02;
  std::vector<double> base(2 * n);  // complex numbers have two
  Random random(seed);
  for (auto& weight : base) weight = kSigma * random.normal();
  FineTune made;
  made.base = made_of(dtype, n, [&](std::size_t i) { return base[i]; });
  made.own = made_of(dtype, n, [&](std::size_t i) { return base[i] + kSigma * noise * random.normal(); });
  return made;
}

/// Kinds of data that every transform must give back.
struct Kind {
  std::string name;
  std::function<Bytes(DType, std::size_t n)> make;
};

inline const std::vector<Kind>& kinds() {
  static const auto special = [](std::vector<double> values) {
    return [values](DType dtype, std::size_t n) {
      Random random(7);
      return made_of(dtype, n, [&](std::size_t i) {
        return i % 5 == 0 ? values[random.below(values.size())] : 0.03 * random.normal();
      });
    };
  };
  constexpr double inf = std::numeric_limits<double>::infinity();
  static const std::vector<Kind> all{
      {"random bits", [](DType dtype, std::size_t n) { return random_bytes(n * size_bytes(dtype), 1); }},
      {"normal weights", [](DType dtype, std::size_t n) { return normal_weights(dtype, n, 0.02, 2); }},
      {"wide weights", [](DType dtype, std::size_t n) { return normal_weights(dtype, n, 1.5, 3); }},
      {"NaN payloads",
       [](DType dtype, std::size_t n) {
         auto bytes = random_bytes(n * size_bytes(dtype), 4);
         const std::size_t word =
             dtype == DType::C64 || dtype == DType::C128 ? size_bytes(dtype) / 2 : size_bytes(dtype);
         for (std::size_t i = word - 1; i < bytes.size(); i += word) {
           bytes[i] |= std::byte{0x7F};
           if (word > 1) bytes[i - 1] |= std::byte{0xF1};
         }
         return bytes;
       }},
      {"minus zero", special({-0.0, 0.0})},
      {"denormals", special({1e-45, -3e-42, 6e-8, 5e-324, -1e-310})},
      {"infinities", special({inf, -inf, 1.0, -1.0, 0.99999999, -0.9999})},
      {"constant", [](DType dtype, std::size_t n) { return made_of(dtype, n, [](std::size_t) { return 0.1; }); }},
      {"all zero", [](DType dtype, std::size_t n) { return Bytes(n * size_bytes(dtype)); }},
      {"up-cast bf16",
       [](DType dtype, std::size_t n) {
         Random random(5);
         return made_of(dtype, n, [&](std::size_t) {
           const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(0.02 * random.normal()));
           return static_cast<double>(std::bit_cast<float>(bits & 0xFFFF0000));
         });
       }},
      {"few distinct values",
       [](DType dtype, std::size_t n) {
         Random random(6);
         return made_of(dtype, n, [&](std::size_t) { return static_cast<double>(random.below(9)) * 0.117 - 0.5; });
       }},
      {"rising",
       [](DType dtype, std::size_t n) {
         return made_of(dtype, n, [](std::size_t i) { return static_cast<double>(i) * 0.001; });
       }},
      {"text",
       [](DType dtype, std::size_t n) {
         const std::string text = R"({"model_type": "llama", "hidden_size": 4096, "layers": [1, 2, 3]} )";
         Bytes bytes(n * size_bytes(dtype));
         for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(text[i % text.size()]);
         return bytes;
       }},
  };
  return all;
}

/// Blocks of quantized numbers: each field of a block has numbers that are common in it alone.
inline Bytes blocks_of_fields(DType dtype, std::size_t n_blocks) {
  const auto* layout = encode::blocks::layout_of(dtype);
  Random random(12);
  std::vector<Bytes> streams;
  std::vector<const std::byte*> from;
  for (const auto& field : layout->fields) {
    auto& stream = streams.emplace_back();
    const auto most = 1u << field.width();
    const auto first = random.below(most);
    for (std::size_t i = 0; i < n_blocks * field.symbols(); ++i) {
      const auto spread = random.below(most / 8 + 2) * random.below(3) / 2;
      stream.push_back(static_cast<std::byte>((first + spread) % most));
    }
  }
  for (const auto& stream : streams) from.push_back(stream.data());
  Bytes blocks(n_blocks * layout->block_bytes);
  layout->join(from.data(), n_blocks, blocks.data());
  return blocks;
}

/// All dtypes; of the block types two: small blocks whose symbols share bytes, and large ones.
inline std::vector<DType> all_dtypes() {
  std::vector<DType> all;
  for (std::uint8_t number = 0; number < kDTypeCount; ++number) {
    const auto dtype = static_cast<DType>(number);
    if (block_elements(dtype) == 1 || dtype == DType::Q5_0 || dtype == DType::Q6_K) all.push_back(dtype);
  }
  return all;
}

/// ELF's own bound of a float dtype.
inline double own_bound(DType dtype) {
  return dtype == DType::F16 ? 0x1p-11 : dtype == DType::F32 ? 0x1p-24 : 0x1p-53;
}

/// Empty where each element of `decoded` has the bits of `raw`, or (for F16, F32, F64 within (-1, 1)) is within `bound`
/// and has its sign; else the first that is not.
inline std::string difference(DType dtype, std::span<const std::byte> raw, std::span<const std::byte> decoded,
                              double bound) {
  const std::size_t size = size_bytes(dtype);
  if (raw.size() != decoded.size()) return "sizes differ";
  const bool may_differ = bound > 0 && (dtype == DType::F16 || dtype == DType::F32 || dtype == DType::F64);
  for (std::size_t at = 0; at < raw.size(); at += size) {
    if (std::memcmp(raw.data() + at, decoded.data() + at, size) == 0) continue;
    const auto where = "element " + std::to_string(at / size);
    if (!may_differ) return where + " has other bits";
    const double p = element_as_double(dtype, raw.data() + at);
    const double r = element_as_double(dtype, decoded.data() + at);
    if (!(std::abs(p) < 1)) return where + " is out of (-1, 1) and has other bits";
    if (std::signbit(p) != std::signbit(r)) return where + " has another sign";
    if (!(std::abs(p - r) <= bound)) return where + " is " + std::to_string(std::abs(p - r) / bound) + " bounds away";
  }
  return {};
}

}  // namespace elves::testing
