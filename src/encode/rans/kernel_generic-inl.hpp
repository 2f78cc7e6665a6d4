// Encoding and decoding of rows by rANS for targets without a body of their own: one state after the other.
#if defined(ELVES_RANS_KERNEL_GENERIC_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ELVES_RANS_KERNEL_GENERIC_INL
#undef ELVES_RANS_KERNEL_GENERIC_INL
#else
#define ELVES_RANS_KERNEL_GENERIC_INL
#endif

#include <array>
#include <cstddef>
#include <cstdint>

#include "encode/rans/kernel_escapes-inl.hpp"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace elves::encode::rans {
namespace HWY_NAMESPACE {

#if HWY_TARGET != HWY_AVX3_DL && HWY_TARGET != HWY_AVX3 && HWY_TARGET != HWY_AVX2

// The table entry of a value.
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
        const std::uint32_t low = (next - 256) >> 31;  // arithmetic, because a branch would be unpredictable
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

}  // namespace HWY_NAMESPACE
}  // namespace elves::encode::rans
HWY_AFTER_NAMESPACE();
#endif
