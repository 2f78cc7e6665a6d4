// The rows of rANS for AVX-512 with VBMI2: table lookups by permutations of 256 bytes, compress and expand of bytes.
#if defined(ELVES_RANS_KERNEL_VBMI2_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ELVES_RANS_KERNEL_VBMI2_INL
#undef ELVES_RANS_KERNEL_VBMI2_INL
#else
#define ELVES_RANS_KERNEL_VBMI2_INL
#endif

#include <bit>
#include <cstddef>
#include <cstdint>

#include "encode/rans/kernel.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::rans {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3_DL

struct Lookup {
  explicit Lookup(const std::array<std::uint8_t, 256>& entries) {
    for (int i = 0; i < 4; ++i) quarter[i] = _mm512_load_si512(entries.data() + 64 * i);
  }
  HWY_INLINE __m512i operator()(__m512i index, __mmask64 upper_half) const {
    const auto low = _mm512_permutex2var_epi8(quarter[0], index, quarter[1]);
    const auto high = _mm512_permutex2var_epi8(quarter[2], index, quarter[3]);
    return _mm512_mask_blend_epi8(upper_half, low, high);
  }
  __m512i quarter[4];
};

HWY_INLINE __m512i even_bytes(__m512i bytes) {
  return _mm512_and_si512(bytes, _mm512_set1_epi16(255));
}
HWY_INLINE __m512i odd_bytes(__m512i bytes) {
  return _mm512_srli_epi16(bytes, 8);
}
HWY_INLINE __m512i join_bytes(__m512i even, __m512i odd) {
  return _mm512_or_si512(even_bytes(even), _mm512_slli_epi16(odd, 8));
}

HWY_INLINE unsigned low_bits(unsigned n) {
  return static_cast<unsigned>((std::uint64_t{1} << n) - 1);
}

// The states of a part: the even ones and the odd ones.
struct Lanes {
  explicit Lanes(const States& states) {
    const auto low = _mm512_loadu_si512(states.data());
    const auto high = _mm512_loadu_si512(states.data() + 32);
    const auto index = _mm512_slli_epi16(counting(), 1);
    even = _mm512_permutex2var_epi16(low, index, high);
    odd = _mm512_permutex2var_epi16(low, _mm512_add_epi16(index, _mm512_set1_epi16(1)), high);
  }
  void store(States& states) const {
    const auto half = _mm512_srli_epi16(counting(), 1);
    const auto is_odd = _cvtu32_mask32(0xAAAAAAAA);
    const auto index = _mm512_mask_add_epi16(half, is_odd, half, _mm512_set1_epi16(32));
    _mm512_storeu_si512(states.data(), _mm512_permutex2var_epi16(even, index, odd));
    _mm512_storeu_si512(states.data() + 32,
                        _mm512_permutex2var_epi16(even, _mm512_add_epi16(index, _mm512_set1_epi16(16)), odd));
  }
  static __m512i counting() {
    alignas(64) static constexpr auto kNumbers = [] {
      std::array<std::uint16_t, 32> numbers{};
      for (std::uint16_t i = 0; i < 32; ++i) numbers[i] = i;
      return numbers;
    }();
    return _mm512_load_si512(kNumbers.data());
  }
  __m512i even;
  __m512i odd;
};

struct EncodeLookups {
  explicit EncodeLookups(const EncodeTable& table)
      : unused(table.unused),
        begin(table.begin),
        low(table.reciprocal_low),
        high(table.reciprocal_high),
        escape_begin(_mm512_set1_epi8(static_cast<char>(table.escape_begin))) {}
  Lookup unused, begin, low, high;
  __m512i escape_begin;
};

HWY_INLINE __m512i encode_half(__m512i states, __m512i unused, __m512i begin, __m512i reciprocal, std::byte*& payload) {
  const auto slots = _mm512_sub_epi16(_mm512_set1_epi16(256), unused);
  const __mmask32 full = _mm512_cmpge_epu16_mask(_mm512_srli_epi16(states, 8), slots);
  const auto n = static_cast<unsigned>(std::popcount(full));
  payload -= n;
  _mm256_mask_storeu_epi8(payload, low_bits(n), _mm256_maskz_compress_epi8(full, _mm512_cvtepi16_epi8(states)));
  states = _mm512_mask_srli_epi16(states, full, states, 8);
  auto quotient = _mm512_mulhi_epu16(states, reciprocal);  // or one less
  const auto rest = _mm512_sub_epi16(states, _mm512_mullo_epi16(quotient, slots));
  quotient = _mm512_mask_add_epi16(quotient, _mm512_cmpge_epu16_mask(rest, slots), quotient, _mm512_set1_epi16(1));
  return _mm512_add_epi16(_mm512_add_epi16(states, begin), _mm512_mullo_epi16(quotient, unused));
}

template <bool kEscapes>
HWY_INLINE void encode_row(const EncodeLookups& table, Lanes& lanes, EncodePart& part, std::size_t row) {
  const auto values = _mm512_loadu_si512(part.values + row * kStates);
  const auto upper = _mm512_movepi8_mask(values);
  const auto unused = table.unused(values, upper);
  const auto begin = table.begin(values, upper);
  const auto low = table.low(values, upper);
  const auto high = table.high(values, upper);
  if constexpr (kEscapes) {
    const __mmask64 escapes = _mm512_cmpeq_epi8_mask(begin, table.escape_begin);
    if (HWY_UNLIKELY(escapes != 0)) {
      const auto n = static_cast<unsigned>(std::popcount(escapes));
      part.escapes -= n;
      const auto used = n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
      _mm512_mask_storeu_epi8(part.escapes, used, _mm512_maskz_compress_epi8(escapes, values));
    }
  }
  const auto upper_byte = _mm512_set1_epi16(static_cast<short>(0xFF00));
  lanes.odd = encode_half(lanes.odd, odd_bytes(unused), odd_bytes(begin),
                          _mm512_or_si512(odd_bytes(low), _mm512_and_si512(high, upper_byte)), part.payload);
  lanes.even = encode_half(lanes.even, even_bytes(unused), even_bytes(begin), join_bytes(low, high), part.payload);
}

struct DecodeLookups {
  explicit DecodeLookups(const DecodeTable& table)
      : value(table.value),
        slots(table.slots),
        offset(table.offset),
        escape_begin(_mm512_set1_epi8(static_cast<char>(table.escape_begin))) {}
  Lookup value, slots, offset;
  __m512i escape_begin;
};

HWY_INLINE __m512i decode_half(__m512i states, __m512i slots, __m512i offset, const std::byte*& payload) {
  states = _mm512_add_epi16(_mm512_mullo_epi16(slots, _mm512_srli_epi16(states, 8)), offset);
  const __mmask32 low = _mm512_cmplt_epu16_mask(states, _mm512_set1_epi16(256));
  const auto bytes = _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(payload)));
  states = _mm512_mask_slli_epi16(states, low, states, 8);
  payload += std::popcount(low);
  return _mm512_or_si512(states, _mm512_maskz_expand_epi16(low, bytes));
}

template <bool kEscapes>
HWY_INLINE void decode_row(const DecodeLookups& table, Lanes& lanes, DecodePart& part, std::size_t row) {
  const auto at = join_bytes(lanes.even, lanes.odd);
  const auto upper = _mm512_movepi8_mask(at);
  auto values = table.value(at, upper);
  const auto slots = table.slots(at, upper);
  const auto offset = table.offset(at, upper);
  if constexpr (kEscapes) {
    const __mmask64 escapes = _mm512_cmpge_epu8_mask(at, table.escape_begin);
    if (HWY_UNLIKELY(escapes != 0)) {
      const auto n = static_cast<std::size_t>(std::popcount(escapes));
      part.failed |= n > part.n_escapes;
      if (HWY_LIKELY(!part.failed)) {
        values = _mm512_mask_expand_epi8(values, escapes, _mm512_loadu_si512(part.escapes));
        part.escapes += n;
        part.n_escapes -= n;
      }
    }
  }
  lanes.even = decode_half(lanes.even, even_bytes(slots), even_bytes(offset), part.payload);
  lanes.odd = decode_half(lanes.odd, odd_bytes(slots), odd_bytes(offset), part.payload);
  _mm512_storeu_si512(part.values + row * kStates, values);
}

#endif  // HWY_AVX3_DL

}  // namespace HWY_NAMESPACE
}  // namespace elves::encode::rans
HWY_AFTER_NAMESPACE();
#endif
