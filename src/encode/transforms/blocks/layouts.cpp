#include "encode/transforms/blocks/layouts.hpp"

#include <algorithm>
#include <array>

#include "encode/transforms/blocks/kernel.hpp"

// The blocks are those of ggml (ggml-common.h). d, m and dmin are float16 scales and minima; qs are quants or indices
// into tables of quants; qh are the high bits of the quants.
namespace elves::encode::blocks {
namespace {

template <Field... kFields>
constexpr std::array<Field, sizeof...(kFields)> kFieldsOf{kFields...};

template <std::size_t kBlockBytes, Field... kFields>
constexpr Layout layout(DType dtype) {
  static_assert(is_partition<kBlockBytes, kFields...>() && sizeof...(kFields) <= kMostFields);
  return {.dtype = dtype,
          .block_bytes = kBlockBytes,
          .fields = kFieldsOf<kFields...>,
          .split = split_blocks<kBlockBytes, kFields...>,
          .join = join_blocks<kBlockBytes, kFields...>};
}

/// 32 quants of 5 bits: the low 4 bits in 16 bytes, two per byte, and the highest bits in 4 bytes.
constexpr Field five_bit_quants(unsigned qh, unsigned qs) {
  return {.counts = {1, 1, 2, 16},
          .low = {.width = 4, .first = 8 * qs, .steps = {0, 0, 4, 8}},
          .high = {.width = 1, .first = 8 * qh, .steps = {0, 0, 16, 1}}};
}

/// The first four scales (6 bits) of Q4_K and Q5_K: the low bits of four bytes.
constexpr Field six_bit_scales(unsigned first_byte) {
  return {.counts = {1, 1, 1, 4}, .low = {.width = 6, .first = 8 * first_byte, .steps = {0, 0, 0, 8}}};
}

/// The other four: the low bits in halves of four later bytes, the upper 2 bits above the first four scales.
constexpr Field six_bit_scales(unsigned low_bit, unsigned high_byte) {
  return {.counts = {1, 1, 1, 4},
          .low = {.width = 4, .first = low_bit, .steps = {0, 0, 0, 8}},
          .high = {.width = 2, .first = 8 * high_byte + 6, .steps = {0, 0, 0, 8}}};
}

constexpr Field kQ3Quants{.counts = {1, 2, 2, 32},  // each symbol is a pair of 3-bit quants
                          .low = {.width = 4, .first = 8 * 32, .steps = {0, 256, 4, 8}},
                          .high = {.width = 2, .first = 0, .steps = {0, 4, 2, 8}}};
constexpr Field kQ3Scales{.counts = {1, 2, 2, 4},
                          .low = {.width = 4, .first = 8 * 96, .steps = {0, 4, 32, 8}},
                          .high = {.width = 2, .first = 8 * 104, .steps = {0, 4, 2, 8}}};
constexpr Field kQ5Quants{.counts = {1, 4, 2, 32},
                          .low = {.width = 4, .first = 8 * 48, .steps = {0, 256, 4, 8}},
                          .high = {.width = 1, .first = 8 * 16, .steps = {0, 2, 1, 8}}};
constexpr Field kQ6Quants{.counts = {2, 2, 2, 32},
                          .low = {.width = 4, .first = 0, .steps = {512, 256, 4, 8}},
                          .high = {.width = 2, .first = 8 * 128, .steps = {256, 2, 4, 8}}};
constexpr Field kIq4Scales{.counts = {1, 1, 1, 8},
                           .low = {.width = 4, .first = 8 * 4, .steps = {0, 0, 0, 4}},
                           .high = {.width = 2, .first = 8 * 2, .steps = {0, 0, 0, 2}}};
constexpr Field kIq1Scales{.counts = {1, 1, 4, 2},  // each symbol is a pair of 3-bit scales
                           .low = {.width = 6, .first = 8 * 48, .steps = {0, 0, 16, 6}}};
/// A byte of the float16 whose bits IQ1_M stores in the upper bits of its scales.
constexpr Field iq1_half(unsigned low_bit) {
  return {.low = {.width = 4, .first = low_bit}, .high = {.width = 4, .first = low_bit + 16}};
}

constexpr std::array kLayouts{
    layout<18, half_top(0), half_rest(0), nibbles(2, 16)>(DType::Q4_0),
    layout<20, half_top(0), half_rest(0), half_top(2), half_rest(2), nibbles(4, 16)>(DType::Q4_1),
    layout<22, half_top(0), half_rest(0), five_bit_quants(2, 6)>(DType::Q5_0),
    layout<24, half_top(0), half_rest(0), half_top(2), half_rest(2), five_bit_quants(4, 8)>(DType::Q5_1),
    layout<34, half_top(0), half_rest(0), bytes(2, 32)>(DType::Q8_0),
    layout<36, half_top(0), half_rest(0), half_top(2), half_rest(2), bytes(4, 32)>(DType::Q8_1),
    layout<84, bytes(0, 16), nibbles(16, 64), half_top(80), half_rest(80), half_top(82), half_rest(82)>(DType::Q2_K),
    layout<110, kQ3Quants, kQ3Scales, half_top(108), half_rest(108)>(DType::Q3_K),
    layout<144, half_top(0), half_rest(0), half_top(2), half_rest(2), six_bit_scales(4), six_bit_scales(96, 4),
           six_bit_scales(8), six_bit_scales(100, 8), nibbles(16, 128)>(DType::Q4_K),
    layout<176, half_top(0), half_rest(0), half_top(2), half_rest(2), six_bit_scales(4), six_bit_scales(96, 4),
           six_bit_scales(8), six_bit_scales(100, 8), kQ5Quants>(DType::Q5_K),
    layout<210, kQ6Quants, bytes(192, 16), half_top(208), half_rest(208)>(DType::Q6_K),
    // d is a float32, bsums are 16 sums of 16 bits.
    layout<292, Field{.low = {.width = 8, .first = 23}}, Field{.low = {.width = 8, .first = 15}},
           Field{.low = {.width = 8, .first = 7}},
           Field{.low = {.width = 1, .first = 31}, .high = {.width = 7, .first = 0}}, bytes(4, 256), bytes(261, 16, 2),
           bytes(260, 16, 2)>(DType::Q8_K),
    // Eight groups of four indices and a word of signs; the top bits of the word are a scale.
    layout<66, half_top(0), half_rest(0), groups(2, 8, 8, 4), groups(6, 8, 8, 3), bytes(9, 8, 8)>(DType::IQ2_XXS),
    layout<74, half_top(0), half_rest(0), bytes(2, 32, 2), bytes(3, 32, 2), bytes(66, 8)>(DType::IQ2_XS),
    layout<98, half_top(0), half_rest(0), bytes(2, 64), groups(66, 8, 4, 3), bytes(69, 8, 4)>(DType::IQ3_XXS),
    layout<50, half_top(0), half_rest(0), bytes(2, 32), bytes(34, 8, 2), bytes(35, 8, 2)>(DType::IQ1_S),
    layout<18, half_top(0), half_rest(0), nibbles(2, 16)>(DType::IQ4_NL),
    layout<110, half_top(0), half_rest(0), bytes(2, 64), bytes(66, 8), bytes(74, 32), bytes(106, 4)>(DType::IQ3_S),
    layout<82, half_top(0), half_rest(0), bytes(2, 32), bytes(34, 32), bytes(66, 8), bytes(74, 8)>(DType::IQ2_S),
    layout<136, half_top(0), half_rest(0), kIq4Scales, nibbles(8, 128)>(DType::IQ4_XS),
    layout<56, bytes(0, 32), bytes(32, 16), kIq1Scales, iq1_half(428), iq1_half(396)>(DType::IQ1_M),
    layout<54, bytes(0, 48), bytes(48, 4), half_top(52), half_rest(52)>(DType::TQ1_0),
    layout<66, nibbles(0, 64), half_top(64), half_rest(64)>(DType::TQ2_0),
    layout<17, bytes(0, 1), nibbles(1, 16)>(DType::MXFP4),
};

}  // namespace

const Layout* layout_of(DType dtype) noexcept {
  const auto* found = std::ranges::find(kLayouts, dtype, &Layout::dtype);
  return found == kLayouts.end() ? nullptr : found;
}

}  // namespace elves::encode::blocks
