#pragma once

#include <cstddef>
#include <cstdint>

#include "encode/kernels/histogram.hpp"

namespace elves::encode {

/// log2(value) * 65536, rounded down, for value >= 1. Integer arithmetic only: equal on every machine.
std::uint32_t log2_fixed(std::uint32_t value);

/// The entropy, in bits, of a source from which `counts` (of at most 2^24 bytes) were drawn, for as many bytes:
/// corrected for what a sample fits itself better than its source.
std::uint64_t entropy_bits(const Histogram& counts);

}  // namespace elves::encode
