#pragma once

#include <cstddef>
#include <cstdint>

#include "encode/kernels/histogram.hpp"

namespace elves::encode {

/// The estimated entropy, in bits, of as many bytes as `counts` has (at most 2^24), drawn from the source that the
/// counts are a sample of. Includes the correction of Miller and Madow: the entropy of a sample is smaller than that of
/// its source. Integer arithmetic only: the same on every machine.
std::uint64_t entropy_bits(const Histogram& counts);

}  // namespace elves::encode
