#include "restore/float_difference.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace elves::restore {
namespace {

/// For floats with the bits T.
template <class T>
double largest_difference(std::span<const std::byte> a, std::span<const std::byte> b, double (*to_double)(T)) {
  double largest = 0;
  for (std::size_t i = 0; i + sizeof(T) <= a.size(); i += sizeof(T)) {
    T x{};
    T y{};
    std::memcpy(&x, a.data() + i, sizeof(T));
    std::memcpy(&y, b.data() + i, sizeof(T));
    if (x == y) continue;  // equal bits: also equal NaNs
    const double difference = std::abs(to_double(x) - to_double(y));
    largest = std::isnan(difference) ? INFINITY : std::max(largest, difference);
  }
  return largest;
}

double from_f16(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  const double magnitude = exponent == 31  ? (mantissa != 0 ? NAN : INFINITY)
                           : exponent == 0 ? std::ldexp(mantissa, -24)
                                           : std::ldexp(1024 + mantissa, exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

template <class To, class From>
double as_float(From bits) {
  To value{};
  std::memcpy(&value, &bits, sizeof value);
  return static_cast<double>(value);
}

}  // namespace

double largest_difference(DType dtype, std::span<const std::byte> a, std::span<const std::byte> b) {
  if (dtype == DType::F32) return largest_difference<std::uint32_t>(a, b, as_float<float, std::uint32_t>);
  if (dtype == DType::F64) return largest_difference<std::uint64_t>(a, b, as_float<double, std::uint64_t>);
  if (dtype == DType::F16) return largest_difference<std::uint16_t>(a, b, from_f16);
  return INFINITY;
}

}  // namespace elves::restore
