#pragma once

#include <cstddef>
#include <span>

#include "elves/dtype.hpp"

namespace elves::restore {

/// The largest |a - b| of two equally long ranges of f16, f32 or f64. Elements with equal bits differ by 0, also NaNs.
/// Infinity where only one is a NaN or infinite, or two NaNs differ; and for other dtypes, which are stored without
/// loss.
double largest_difference(DType dtype, std::span<const std::byte> a, std::span<const std::byte> b);

}  // namespace elves::restore
