#pragma once

#include <cstddef>
#include <span>

#include "encode/transform.hpp"

namespace elves::measure {

/// Bytes that the order-0 entropy of the histogram of `bytes` amounts to: no coder that treats bytes alike, one by one,
/// and is told the histogram for free takes less.
double order0_bytes(std::span<const std::byte> bytes);

/// The sum over the streams, each with a histogram of its own.
double order0_bytes(const encode::Split& split);

}  // namespace elves::measure
