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

template <bool kEscapes>
void encode(const EncodeTable& table, EncodePart& first, EncodePart* second, std::size_t n_rows) {
  const EncodeLookups lookups(table);
  Lanes lanes(first.states);
  if (second == nullptr) {
    for (std::size_t row = n_rows; row-- > 0;) encode_row<kEscapes>(lookups, lanes, first, row);
  } else {  // two at a time: neither waits for the other
    Lanes second_lanes(second->states);
    for (std::size_t row = n_rows; row-- > 0;) {
      encode_row<kEscapes>(lookups, lanes, first, row);
      encode_row<kEscapes>(lookups, second_lanes, *second, row);
    }
    second_lanes.store(second->states);
  }
  lanes.store(first.states);
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

template <bool kEscapes>
void decode(const DecodeTable& table, DecodePart& first, DecodePart* second, std::size_t n_rows) {
  const DecodeLookups lookups(table);
  Lanes lanes(first.states);
  if (second == nullptr) {
    for (std::size_t row = 0; row < n_rows; ++row) decode_row<kEscapes>(lookups, lanes, first, row);
  } else {
    Lanes second_lanes(second->states);
    for (std::size_t row = 0; row < n_rows; ++row) {
      decode_row<kEscapes>(lookups, lanes, first, row);
      decode_row<kEscapes>(lookups, second_lanes, *second, row);
    }
    second_lanes.store(second->states);
  }
  lanes.store(first.states);
}

#else

// What a value is coded by, in one word: slots, begin, and the reciprocal of slots as a fraction of 2^32.
struct Entry {
  std::uint32_t reciprocal;
  std::uint16_t slots;
  std::uint8_t begin;
  bool escape;
};

template <bool kEscapes>
void encode(const EncodeTable& table, EncodePart& first, EncodePart* second, std::size_t n_rows) {
  std::array<Entry, 256> entries;
  for (std::size_t value = 0; value < entries.size(); ++value) {
    const std::uint32_t slots = 256u - table.unused[value];
    entries[value] = {static_cast<std::uint32_t>(0xFFFFFFFFu / slots + 1), static_cast<std::uint16_t>(slots),
                      table.begin[value], kEscapes && table.begin[value] == table.escape_begin};
  }
  for (EncodePart* const each : {&first, second}) {
    if (each == nullptr) continue;
    EncodePart& part = *each;
    auto* payload = part.payload;
    const auto step = [&](std::size_t lane, const std::byte* row) {
      const Entry entry = entries[static_cast<std::uint8_t>(row[lane])];
      std::uint32_t state = part.states[lane];
      const bool full = (state >> 8) >= entry.slots;
      payload[-1] = static_cast<std::byte>(state);
      payload -= full;
      state >>= full ? 8 : 0;
      const auto quotient =
          entry.slots == 1 ? state : static_cast<std::uint32_t>(std::uint64_t{state} * entry.reciprocal >> 32);
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
      std::uint32_t any_escape = 0;
      std::array<std::uint8_t, kStates> is_escape;
      const auto step = [&](std::size_t lane) {
        std::uint32_t state = states[lane];
        const std::uint32_t entry = entries[state & 255];
        row[lane] = static_cast<std::byte>(entry);
        if constexpr (kEscapes) {
          is_escape[lane] = static_cast<std::uint8_t>(entry >> 24);
          any_escape |= entry >> 24;
        }
        state = (entry >> 8 & 255) * (state >> 8) + (entry >> 16 & 255);
        const std::uint32_t low = state < 256 ? 1 : 0;
        state = state << 8 * low | (static_cast<std::uint32_t>(*payload) & (0u - low));
        payload += low;
        states[lane] = static_cast<std::uint16_t>(state);
      };
      for (std::size_t lane = 0; lane < kStates; lane += 2) step(lane);
      for (std::size_t lane = 1; lane < kStates; lane += 2) step(lane);
      if (!kEscapes || any_escape == 0) continue;
      for (std::size_t lane = 0; lane < kStates; ++lane) {
        if (is_escape[lane] == 0) continue;
        part.failed |= part.n_escapes == 0;
        if (part.failed) break;
        row[lane] = *part.escapes++;
        --part.n_escapes;
      }
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
