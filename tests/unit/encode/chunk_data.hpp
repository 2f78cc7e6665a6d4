#pragma once

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "elves/codec.hpp"
#include "support/weights.hpp"

/// Kinds of data for tests of encode/, and how decoded elements are compared with the original ones.
namespace elves::testing {

using namespace weights;

/// The value of an element of F16, F32 or F64.
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

/// A kind of data, made of `n` elements (blocks, for block types).
struct Kind {
  std::string name;
  std::function<Bytes(DType, std::size_t n)> make;
};

inline const std::vector<Kind>& kinds() {
  static const auto special = [](std::vector<double> values) {
    return [values](DType dtype, std::size_t n) {
      Random random(7);
      return elements_of(dtype, n, [&](std::size_t i) {
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
      {"constant", [](DType dtype, std::size_t n) { return elements_of(dtype, n, [](std::size_t) { return 0.1; }); }},
      {"all zero", [](DType dtype, std::size_t n) { return Bytes(n * size_bytes(dtype)); }},
      {"up-cast bf16",
       [](DType dtype, std::size_t n) {
         Random random(5);
         return elements_of(dtype, n, [&](std::size_t) {
           return static_cast<double>(std::bit_cast<float>(std::uint32_t{to_bf16(0.02 * random.normal())} << 16));
         });
       }},
      {"few distinct values",
       [](DType dtype, std::size_t n) {
         Random random(6);
         return elements_of(dtype, n, [&](std::size_t) { return static_cast<double>(random.below(9)) * 0.117 - 0.5; });
       }},
      {"rising",
       [](DType dtype, std::size_t n) {
         return elements_of(dtype, n, [](std::size_t i) { return static_cast<double>(i) * 0.001; });
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

/// All dtypes, but of the block types only two: one with small blocks whose symbols share bytes, one with large blocks.
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

/// Empty if each element of `decoded` has the bits of `raw`, or, for F16, F32 and F64 within (-1, 1), the same sign and
/// an error of at most `bound`. Otherwise describes the first element for which this is not true.
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
