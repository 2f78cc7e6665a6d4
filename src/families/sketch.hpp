#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "elves/dtype.hpp"
#include "support/sketch_limit.hpp"

namespace elves::families {

/// Layers of more bytes have no sketch either: only damaged archives have them.
inline constexpr std::uint64_t kMostSketchedBytes = std::uint64_t{1} << 47;

/// A sketch has one sample for each 2 KiB of its layer, within these limits.
inline constexpr std::size_t kFewestSamples = 128;
inline constexpr std::size_t kMostSamples = 512;

/// A sample is the highest bytes of a number, at most four. A complex number is sketched as two numbers.
struct SampleFormat {
  unsigned bytes = 0;          ///< of a sample; 0: layers of this dtype have no sketch
  unsigned number_bytes = 0;   ///< of the whole number
  unsigned exponent_bits = 0;  ///< below the sign
  unsigned mantissa_bits = 0;  ///< of the sample

  unsigned missing_bits() const noexcept { return 8 * (number_bytes - bytes); }
};
SampleFormat sample_format(DType dtype) noexcept;

/// Number of samples of a layer of this many bytes; for layers too small for a sketch, of the smallest sketch.
std::size_t sample_count(std::uint64_t layer_bytes) noexcept;

/// Bytes of the sketch of a layer; 0: none (not a float, too small, or too large). At most 2048.
std::size_t sketch_bytes(DType dtype, std::uint64_t layer_bytes) noexcept;

/// The position of a sample among `n` numbers: pseudo-random, and for n and a larger m the same with probability n / m,
/// else at least n (jump consistent hash). So layers that differ by a few rows have nearly all samples at the same
/// positions. `index` < kMostSamples, 0 < n <= 2^48. Some nanoseconds.
std::uint64_t sample_position(std::size_t index, std::uint64_t n) noexcept;

/// Writes to `sketch` (sketch_bytes(dtype, layer_bytes) of them) the samples that lie in `bytes`, the elements of the
/// layer from `first_element` on. Threads may fill one sketch from different parts of its layer. Reads only the
/// samples: 1 to 3 us, plus cache misses.
void sample(DType dtype, std::uint64_t layer_bytes, std::uint64_t first_element, std::span<const std::byte> bytes,
            std::span<std::byte> sketch) noexcept;

}  // namespace elves::families
