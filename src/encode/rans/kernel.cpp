#include "encode/rans/kernel.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "encode/rans/kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <bit>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace elves::encode::rans {
namespace HWY_NAMESPACE {

#if HWY_TARGET != HWY_AVX3_DL

// The bytes of a row of which a state `at` its beginning is in the slots of the escapes.
inline void take_escapes(const States& at, unsigned escape_begin, std::byte* values, DecodePart& part) {
  for (std::size_t lane = 0; lane < kStates; ++lane) {
    if ((at[lane] & 255u) < escape_begin) continue;
    part.failed |= part.n_escapes == 0;
    if (part.failed) return;
    values[lane] = *part.escapes++;
    --part.n_escapes;
  }
}

#endif

#if HWY_TARGET == HWY_AVX3_DL  // byte permutations of 256 entries, expand and compress of bytes

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

// The states of a part: even and odd ones.
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

#elif HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3  // gathers of 8 entries

// Byte permutations of 8 bytes, by mask: `expand` puts the first bytes where bits are set, and zeros elsewhere;
// `compress` puts the bytes where bits are set at the end.
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
  __m256i pairs[kGroups];  // of values, as numbers of 16 bits in 32
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

#endif

#if HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2

template <bool kEscapes>
void encode(const EncodeTable& table, EncodePart& first, EncodePart* second, std::size_t n_rows) {
  const EncodeLookups lookups(table);
  Lanes lanes(first.states);
  if (second != nullptr) {  // two at a time: neither waits for the other
    Lanes second_lanes(second->states);
    for (std::size_t row = n_rows; row-- > 0;) {
      encode_row<kEscapes>(lookups, lanes, first, row);
      encode_row<kEscapes>(lookups, second_lanes, *second, row);
    }
    second_lanes.store(second->states);
  } else {
    for (std::size_t row = n_rows; row-- > 0;) encode_row<kEscapes>(lookups, lanes, first, row);
  }
  lanes.store(first.states);
}

template <bool kEscapes>
void decode(const DecodeTable& table, DecodePart& first, DecodePart* second, std::size_t n_rows) {
  const DecodeLookups lookups(table);
  Lanes lanes(first.states);
  if (second != nullptr) {  // two at a time: neither waits for the other
    Lanes second_lanes(second->states);
    for (std::size_t row = 0; row < n_rows; ++row) {
      decode_row<kEscapes>(lookups, lanes, first, row);
      decode_row<kEscapes>(lookups, second_lanes, *second, row);
    }
    second_lanes.store(second->states);
  } else {
    for (std::size_t row = 0; row < n_rows; ++row) decode_row<kEscapes>(lookups, lanes, first, row);
  }
  lanes.store(first.states);
}

#else

// What a value is coded by.
struct Entry {
  std::uint64_t reciprocal;  ///< of slots, as a fraction of 2^32, rounded up
  std::uint16_t slots;
  std::uint8_t begin;
  bool escape;
};

template <bool kEscapes>
void encode(const EncodeTable& table, EncodePart& first, EncodePart* second, std::size_t n_rows) {
  std::array<Entry, 256> entries;
  for (std::size_t value = 0; value < entries.size(); ++value) {
    const std::uint32_t slots = 256u - table.unused[value];
    entries[value] = {0xFFFFFFFFu / slots + std::uint64_t{1}, static_cast<std::uint16_t>(slots), table.begin[value],
                      kEscapes && table.begin[value] == table.escape_begin};
  }
  for (EncodePart* const each : {&first, second}) {
    if (each == nullptr) continue;
    EncodePart& part = *each;
    auto* payload = part.payload;
    const auto step = [&](std::size_t lane, const std::byte* row) {
      const Entry entry = entries[static_cast<std::uint8_t>(row[lane])];
      std::uint32_t state = part.states[lane];
      const std::uint32_t full = 1 - (((state >> 8) - entry.slots) >> 31);
      payload[-1] = static_cast<std::byte>(state);
      payload -= full;
      state >>= 8 * full;
      const auto quotient = static_cast<std::uint32_t>(state * entry.reciprocal >> 32);
      part.states[lane] = static_cast<std::uint16_t>(state + entry.begin + quotient * (256u - entry.slots));
    };
    for (std::size_t r = n_rows; r-- > 0;) {
      const auto* row = part.values + r * kStates;
      for (std::size_t lane = kStates; kEscapes && lane-- > 0;) {
        part.escapes[-1] = row[lane];
        part.escapes -= entries[static_cast<std::uint8_t>(row[lane])].escape;
      }
      for (std::size_t lane = kStates; lane > 0; lane -= 2) step(lane - 1, row);
      for (std::size_t lane = kStates; lane > 0; lane -= 2) step(lane - 2, row);
    }
    part.payload = payload;
  }
}

template <bool kEscapes>
void decode(const DecodeTable& table, DecodePart& first, DecodePart* second, std::size_t n_rows) {
  std::array<std::uint32_t, 256> entries;
  for (std::size_t at = 0; at < entries.size(); ++at) {
    entries[at] = table.value[at] | std::uint32_t{table.slots[at]} << 8 | std::uint32_t{table.offset[at]} << 16 |
                  std::uint32_t{kEscapes && at >= table.escape_begin} << 24;
  }
  for (DecodePart* const each : {&first, second}) {
    if (each == nullptr) continue;
    DecodePart& part = *each;
    const auto* payload = part.payload;
    States states = part.states;
    for (std::size_t r = 0; r < n_rows; ++r) {
      auto* row = part.values + r * kStates;
      const States before = states;
      std::uint32_t all = 0;
      const auto step = [&](std::size_t lane) {
        const std::uint32_t state = states[lane];
        const std::uint32_t entry = entries[state & 255];
        row[lane] = static_cast<std::byte>(entry);
        all |= entry;
        const std::uint32_t next = (entry >> 8 & 255) * (state >> 8) + (entry >> 16 & 255);
        const std::uint32_t low = (next - 256) >> 31;  // a condition here would become a branch that nobody can foresee
        const std::uint32_t byte = static_cast<std::uint32_t>(*payload) & (0 - low);
        payload += low;
        states[lane] = static_cast<std::uint16_t>(next << 8 * low | byte);
      };
      for (std::size_t lane = 0; lane < kStates; lane += 2) step(lane);
      for (std::size_t lane = 1; lane < kStates; lane += 2) step(lane);
      if (kEscapes && all >> 24 != 0) take_escapes(before, table.escape_begin, row, part);
    }
    part.payload = payload;
    part.states = states;
  }
}

#endif

void encode_any(const EncodeTable& table, EncodePart& first, EncodePart* second, std::size_t n_rows) {
  if (table.escapes) return encode<true>(table, first, second, n_rows);
  encode<false>(table, first, second, n_rows);
}

void decode_any(const DecodeTable& table, DecodePart& first, DecodePart* second, std::size_t n_rows) {
  if (table.escape_begin < 256) return decode<true>(table, first, second, n_rows);
  decode<false>(table, first, second, n_rows);
}

}  // namespace HWY_NAMESPACE
}  // namespace elves::encode::rans
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elves::encode::rans {

HWY_EXPORT(encode_any);
HWY_EXPORT(decode_any);

EncodeTable::EncodeTable(const Table& table) {
  unsigned next = 0;
  const auto set = [this](std::size_t value, unsigned slots, unsigned first) {
    const unsigned reciprocal = slots == 1 ? 65535 : 65536 / slots;
    unused[value] = static_cast<std::uint8_t>(256 - slots);
    begin[value] = static_cast<std::uint8_t>(first);
    reciprocal_low[value] = static_cast<std::uint8_t>(reciprocal);
    reciprocal_high[value] = static_cast<std::uint8_t>(reciprocal >> 8);
  };
  escapes = table.escape_slots > 0;
  escape_begin = static_cast<std::uint8_t>(256 - table.escape_slots);
  for (std::size_t value = 0; value < 256; ++value) {
    const unsigned slots = table.slots[value];
    if (slots == 0) {
      set(value, escapes ? table.escape_slots : 1, escape_begin);
      continue;
    }
    set(value, slots, next);
    next += slots;
  }
}

DecodeTable::DecodeTable(const Table& table) : escape_begin(256 - table.escape_slots) {
  std::size_t at = 0;
  const auto add = [&](unsigned number, unsigned n) {
    for (unsigned k = 0; k < n; ++k, ++at) {
      value[at] = static_cast<std::uint8_t>(number);
      slots[at] = static_cast<std::uint8_t>(n);
      offset[at] = static_cast<std::uint8_t>(k);
    }
  };
  for (unsigned number = 0; number < 256; ++number) add(number, table.slots[number]);
  add(0, table.escape_slots);
}

void encode_rows(const EncodeTable& table, EncodePart& first, EncodePart* second, std::size_t n_rows) {
  HWY_DYNAMIC_DISPATCH(encode_any)(table, first, second, n_rows);
}

void decode_rows(const DecodeTable& table, DecodePart& first, DecodePart* second, std::size_t n_rows) {
  HWY_DYNAMIC_DISPATCH(decode_any)(table, first, second, n_rows);
  first.values += n_rows * kStates;
  if (second != nullptr) second->values += n_rows * kStates;
}

}  // namespace elves::encode::rans
#endif
