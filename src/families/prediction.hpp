#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "elves/dtype.hpp"
#include "families/sketch.hpp"

namespace elves::families {

/// Bits an element, in units of 2^-16. Predictions are integers, so they are the same on every CPU.
using Bits = std::uint32_t;
inline constexpr Bits kOneBit = 1u << 16;

/// The words that a delta subtracts: the bit patterns of the numbers, or their ELF integers (p in units of
/// 2^-mantissa).
enum class Words : std::uint8_t { Patterns, Elf };

/// A sketch, decoded for predictions. About 3 KiB.
struct Samples {
  SampleFormat format;
  Words words = Words::Patterns;
  std::uint64_t n_numbers = 0;  ///< of the layer
  std::uint32_t n = 0;          ///< samples
  std::uint32_t used_bits = 0;  ///< bitwise or of all patterns
  std::uint32_t n_contexts = 1;
  /// Patterns: integers in the order of the floats, in the highest bits of the word. Elf: two's complement; kOutlier if
  /// the number has no ELF integer.
  std::array<std::uint32_t, kMostSamples> values;
  std::array<std::uint8_t, kMostSamples> context;  ///< of a base: below n_contexts; a higher one has smaller numbers

  static constexpr std::uint32_t kOutlier = 0x8000'0000;
  static constexpr std::size_t kMostContexts = 8;
};

/// Predicts from the samples whether ELF with its default guard (70 dB) takes the layer and makes it smaller than
/// planes.
bool elf_takes(DType dtype, std::uint64_t layer_bytes, std::span<const std::byte> sketch);

/// Maps the bit patterns of a sketch to integers in the order of the floats, in the highest bits of the word. Returns
/// their number.
std::size_t ordered_samples(DType dtype, std::span<const std::byte> sketch,
                            std::span<std::uint32_t, kMostSamples> ordered);

/// Fills all members but the contexts. Words::Elf is for F16, F32 and F64. Less than 1 us.
void load_samples(DType dtype, std::uint64_t layer_bytes, std::span<const std::byte> sketch, Words words,
                  Samples& samples);

/// Fills the contexts, which the samples of a base need. About 1 us.
void find_contexts(Samples& samples);

/// Bits of an element without a base: the entropy of the exponents (for ELF, of the bit lengths) plus the other bits.
Bits predict_standalone(const Samples& own);

/// Bits of an element as a delta of a base of the same dtype and words: the entropy of the bit length of the
/// difference, given the magnitude of the base, plus the bits below the highest. If the layers differ in size, the
/// common samples are compared, and elements behind the end of the base take `standalone`. About 1 us.
Bits predict_delta(const Samples& own, const Samples& base, Bits standalone);

}  // namespace elves::families
