#include "encode/rans/kernel.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "encode/rans/kernel.cpp"
#include <hwy/foreach_target.h>
// These come after foreach_target.h.
#include "encode/rans/kernel_avx2-inl.hpp"
#include "encode/rans/kernel_generic-inl.hpp"
#include "encode/rans/kernel_vbmi2-inl.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::rans {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2

template <bool kEscapes>
void encode(const EncodeTable& table, EncodePart& first, EncodePart* second, std::size_t n_rows) {
  const EncodeLookups lookups(table);
  Lanes lanes(first.states);
  if (second != nullptr) {  // rows of both in turns: neither part waits for the results of the other
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
  if (second != nullptr) {  // rows of both in turns: neither part waits for the results of the other
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
