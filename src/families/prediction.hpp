#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "elves/dtype.hpp"
#include "families/sketch.hpp"

namespace elves::families {

/// Bits an element in units of 2^-16: predictions are integers, so that they are the same on every CPU.
using Bits = std::uint32_t;
inline constexpr Bits kOneBit = 1u << 16;

/// What of a number is differenced: its bit pattern, or its ELF integer (|p| in units of 2^-mantissa, with sign).
enum class Words : std::uint8_t { Patterns, Elf };

/// A sketch, made ready for predictions. About 3 KiB.
struct Samples {
  SampleFormat format;
  Words words = Words::Patterns;
  std::uint64_t n_numbers = 0;  ///< of the layer
  std::uint32_t n = 0;          ///< samples
  std::uint32_t used_bits = 0;  ///< all patterns ored
  std::uint32_t n_contexts = 1;
  /// Patterns: integers in the order of the floats, at the top of the word. Elf: two's complement; kOutlier where the
  /// number has no ELF integer.
  std::array<std::uint32_t, kMostSamples> values;
  std::array<std::uint8_t, kMostSamples> context;  ///< of a base: below n_contexts; smaller numbers in higher ones

  static constexpr std::uint32_t kOutlier = 0x8000'0000;
  static constexpr std::size_t kMostContexts = 8;
};

/// Whether ELF with its default guard (70 dB) would take the layer, and make it smaller than planes do, as far as the
/// samples tell.
bool elf_takes(DType dtype, std::uint64_t layer_bytes, std::span<const std::byte> sketch);

/// The integers that the bit patterns of a sketch are in the order of floats, at the top of the word. Returns how many.
std::size_t ordered_samples(DType dtype, std::span<const std::byte> sketch,
                            std::span<std::uint32_t, kMostSamples> ordered);

/// Fills all but the contexts. Words::Elf is for F16, F32 and F64. Less than 1 us.
void load_samples(DType dtype, std::uint64_t layer_bytes, std::span<const std::byte> sketch, Words words,
                  Samples& samples);

/// Fills the contexts: of samples that are to be a base. About 1 us.
void find_contexts(Samples& samples);

/// What an element takes without base: the entropy of the exponents (of bit lengths, for ELF) and the other bits.
Bits predict_alone(const Samples& own);

/// What an element takes as a difference from a base of the same dtype and words: the entropy of the bit length of the
/// difference where the base's magnitude is known, and the bits below the highest. Where the layers have not the same
/// number of elements, the common samples count, and elements behind the base's end take `alone`. About 1 us.
Bits predict_delta(const Samples& own, const Samples& base, Bits alone);

}  // namespace elves::families
