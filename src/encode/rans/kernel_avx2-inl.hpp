// The rows of rANS for AVX2 and for AVX-512 without VBMI2: table lookups by gathers of 8 entries.
#if defined(ELVES_RANS_KERNEL_AVX2_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ELVES_RANS_KERNEL_AVX2_INL
#undef ELVES_RANS_KERNEL_AVX2_INL
#else
#define ELVES_RANS_KERNEL_AVX2_INL
#endif

#include <bit>
#include <cstddef>
#include <cstdint>

#include "encode/rans/kernel_escapes-inl.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::rans {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3

// Permutations of 8 bytes, indexed by a mask: `expand` moves the first bytes to the places where the mask has bits, and
// puts zeros elsewhere; `compress` moves the bytes where the mask has bits to the end.
struct Permutations {
  std::array<std::uint64_t, 256> expand{};
  std::array<std::uint64_t, 256> compress{};
};

constexpr Permutations make_permutations() {
  constexpr std::uint64_t kZero = 0x80;
  Permutations table;
  for (std::size_t mask = 0; mask < 256; ++mask) {
    const auto n = static_cast<std::uint64_t>(std::popcount(mask));
    std::uint64_t next = 0;
    for (std::uint64_t i = 0; i < 8; ++i) {
      const bool set = (mask >> i & 1) != 0;
      table.expand[mask] |= (set ? next : kZero) << 8 * i;
      if (!set) continue;
      table.compress[mask] |= i << 8 * (8 - n + next);
      ++next;
    }
  }
  return table;
}

constexpr Permutations kPermutations = make_permutations();

// A row has four groups of 16 values: 8 even and 8 odd states.
constexpr std::size_t kGroups = 4;

HWY_INLINE __m128i load_64(const void* from) {
  return _mm_loadl_epi64(static_cast<const __m128i*>(from));
}
HWY_INLINE unsigned mask_of(__m256i lanes) {
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(lanes)));
}
HWY_INLINE __m256i at_least(__m256i a, __m256i b) {
  return _mm256_cmpeq_epi32(_mm256_max_epu32(a, b), a);
}
HWY_INLINE __m256i low_byte(__m256i lanes) {
  return _mm256_and_si256(lanes, _mm256_set1_epi32(255));
}

struct Lanes {
  explicit Lanes(const States& states) {
    for (std::size_t g = 0; g < kGroups; ++g) {
      const auto both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(states.data() + 16 * g));
      even[g] = _mm256_and_si256(both, _mm256_set1_epi32(0xFFFF));
      odd[g] = _mm256_srli_epi32(both, 16);
    }
  }
  void store(States& states) const {
    for (std::size_t g = 0; g < kGroups; ++g) {
      const auto both = _mm256_or_si256(even[g], _mm256_slli_epi32(odd[g], 16));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(states.data() + 16 * g), both);
    }
  }
  __m256i even[kGroups];
  __m256i odd[kGroups];
};

// An entry: 256 - slots, begin, reciprocal (2 bytes).
HWY_INLINE __m256i encode_states(__m256i states, __m256i entries, std::byte*& payload) {
  const auto unused = low_byte(entries);
  const auto slots = _mm256_sub_epi32(_mm256_set1_epi32(256), unused);
  const auto full = at_least(_mm256_srli_epi32(states, 8), slots);
  const auto mask = mask_of(full);
  const auto low_bytes = _mm256_shuffle_epi8(states, _mm256_setr_epi32(0x0C080400, -1, -1, -1, 0x0C080400, -1, -1, -1));
  const auto bytes = _mm_unpacklo_epi32(_mm256_castsi256_si128(low_bytes), _mm256_extracti128_si256(low_bytes, 1));
  const auto order = _mm_cvtsi64_si128(static_cast<long long>(kPermutations.compress[mask]));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(payload - 8), _mm_shuffle_epi8(bytes, order));
  payload -= std::popcount(mask);
  states = _mm256_blendv_epi8(states, _mm256_srli_epi32(states, 8), full);
  auto quotient = _mm256_mulhi_epu16(states, _mm256_srli_epi32(entries, 16));  // or one less
  const auto rest = _mm256_sub_epi32(states, _mm256_mullo_epi16(quotient, slots));
  quotient = _mm256_sub_epi32(quotient, at_least(rest, slots));
  const auto begin = low_byte(_mm256_srli_epi32(entries, 8));
  return _mm256_add_epi32(_mm256_add_epi32(states, begin), _mm256_mullo_epi16(quotient, unused));
}

HWY_INLINE __m256i entries_at(const std::array<std::uint32_t, 256>& entries, __m256i index) {
  return _mm256_i32gather_epi32(reinterpret_cast<const int*>(entries.data()), index, 4);
}

struct EncodeLookups {
  explicit EncodeLookups(const EncodeTable& table) : begin(table.begin), escape_begin(table.escape_begin) {
    for (std::size_t value = 0; value < entries.size(); ++value) {
      entries[value] = table.unused[value] | std::uint32_t{table.begin[value]} << 8 |
                       std::uint32_t{table.reciprocal_low[value]} << 16 |
                       std::uint32_t{table.reciprocal_high[value]} << 24;
    }
  }
  std::array<std::uint32_t, 256> entries;
  const std::array<std::uint8_t, 256>& begin;
  std::uint8_t escape_begin;
};

template <bool kEscapes>
HWY_INLINE void encode_row(const EncodeLookups& table, Lanes& lanes, EncodePart& part, std::size_t row) {
  const auto* values = part.values + row * kStates;
  __m256i even[kGroups];
  auto escaped = _mm256_setzero_si256();
  const auto escape_begin = _mm256_set1_epi32(table.escape_begin);
  const auto note_escapes = [&](__m256i entries) {
    if constexpr (!kEscapes) return;
    const auto begin = low_byte(_mm256_srli_epi32(entries, 8));
    escaped = _mm256_or_si256(escaped, _mm256_cmpeq_epi32(begin, escape_begin));
  };
  for (std::size_t g = kGroups; g-- > 0;) {
    const auto both = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(values + 16 * g)));
    even[g] = entries_at(table.entries, low_byte(both));
    const auto odd = entries_at(table.entries, _mm256_srli_epi32(both, 8));
    note_escapes(even[g]);
    note_escapes(odd);
    lanes.odd[g] = encode_states(lanes.odd[g], odd, part.payload);
  }
  for (std::size_t g = kGroups; g-- > 0;) lanes.even[g] = encode_states(lanes.even[g], even[g], part.payload);
  if (!kEscapes || HWY_LIKELY(_mm256_testz_si256(escaped, escaped) != 0)) return;
  for (std::size_t lane = kStates; lane-- > 0;) {
    if (table.begin[static_cast<std::uint8_t>(values[lane])] == table.escape_begin) *--part.escapes = values[lane];
  }
}

// An entry: value, slots, offset.
HWY_INLINE __m256i decode_states(__m256i states, __m256i entries, const std::byte*& payload) {
  const auto slots = low_byte(_mm256_srli_epi32(entries, 8));
  states = _mm256_add_epi32(_mm256_mullo_epi16(slots, _mm256_srli_epi32(states, 8)), _mm256_srli_epi32(entries, 16));
  const auto low = _mm256_cmpgt_epi32(_mm256_set1_epi32(256), states);
  const auto mask = mask_of(low);
  const auto order = _mm_cvtsi64_si128(static_cast<long long>(kPermutations.expand[mask]));
  const auto bytes = _mm256_cvtepu8_epi32(_mm_shuffle_epi8(load_64(payload), order));
  payload += std::popcount(mask);
  return _mm256_blendv_epi8(states, _mm256_or_si256(_mm256_slli_epi32(states, 8), bytes), low);
}

struct DecodeLookups {
  explicit DecodeLookups(const DecodeTable& table) : escape_begin(table.escape_begin) {
    for (std::size_t at = 0; at < entries.size(); ++at) {
      entries[at] = table.value[at] | std::uint32_t{table.slots[at]} << 8 | std::uint32_t{table.offset[at]} << 16;
    }
  }
  std::array<std::uint32_t, 256> entries;
  unsigned escape_begin;
};

template <bool kEscapes>
HWY_INLINE void decode_row(const DecodeLookups& table, Lanes& lanes, DecodePart& part, std::size_t row) {
  auto* values = part.values + row * kStates;
  const Lanes before = lanes;
  const auto last = _mm256_set1_epi32(static_cast<int>(table.escape_begin) - 1);
  auto escaped = _mm256_setzero_si256();
  __m256i pairs[kGroups];  // two values as 16 bits in a lane of 32
  __m256i odd[kGroups];
  for (std::size_t g = 0; g < kGroups; ++g) {
    const auto even_at = low_byte(lanes.even[g]);
    const auto odd_at = low_byte(lanes.odd[g]);
    if constexpr (kEscapes) {
      escaped = _mm256_or_si256(escaped, _mm256_cmpgt_epi32(_mm256_max_epu32(even_at, odd_at), last));
    }
    const auto even = entries_at(table.entries, even_at);
    odd[g] = entries_at(table.entries, odd_at);
    pairs[g] = _mm256_or_si256(low_byte(even), _mm256_slli_epi32(low_byte(odd[g]), 8));
    lanes.even[g] = decode_states(lanes.even[g], even, part.payload);
  }
  for (std::size_t g = 0; g < kGroups; ++g) lanes.odd[g] = decode_states(lanes.odd[g], odd[g], part.payload);
  for (std::size_t g = 0; g < kGroups; g += 2) {
    const auto packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(pairs[g], pairs[g + 1]), 0xD8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(values + 16 * g), packed);
  }
  if (!kEscapes || HWY_LIKELY(_mm256_testz_si256(escaped, escaped) != 0)) return;
  States at;
  before.store(at);
  take_escapes(at, table.escape_begin, values, part);
}

#endif  // HWY_AVX2, HWY_AVX3

}  // namespace HWY_NAMESPACE
}  // namespace elves::encode::rans
HWY_AFTER_NAMESPACE();
#endif
