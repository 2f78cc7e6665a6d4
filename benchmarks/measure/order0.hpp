#pragma once

#include <cstddef>
#include <span>

#include "encode/transform.hpp"

namespace elves::measure {

/// The order-0 entropy of `bytes`, in bytes: the least size of a coder that codes byte by byte from one histogram, not
/// counting the histogram.
double order0_bytes(std::span<const std::byte> bytes);

/// The sum of the entropies of the streams.
double order0_bytes(const encode::Split& split);

}  // namespace elves::measure
