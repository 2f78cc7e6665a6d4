#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "encode/rans/table.hpp"

/// The loops of docs/format/transforms/rans.md: range asymmetric numeral systems (Duda 2013) with 64 states of 16 bits,
/// 256 slots, and a byte at a time from and to memory. Value i of a part belongs to state i % 64; a row is 64 values.
/// In memory the bytes of a row lie in the order of the even states, then of the odd ones.
namespace elves::encode::rans {

inline constexpr std::size_t kStates = 64;
inline constexpr std::uint16_t kFirstState = 256;  ///< of encoding; and what decoding must end with
inline constexpr std::size_t kSlack = 64;          ///< bytes beyond what is used that a kernel may touch

using States = std::array<std::uint16_t, kStates>;

/// A table as encoding needs it, by value.
struct EncodeTable {
  explicit EncodeTable(const Table& table);

  alignas(64) std::array<std::uint8_t, 256> unused;                           ///< 256 - slots
  alignas(64) std::array<std::uint8_t, 256> begin;                            ///< first slot
  alignas(64) std::array<std::uint8_t, 256> reciprocal_low, reciprocal_high;  ///< of min(65535, 65536 / slots)
  std::uint8_t escape_begin = 0;  ///< what `begin` is for values without slots
  bool escapes = false;           ///< there are slots for them
};

/// A table as decoding needs it, by slot.
struct DecodeTable {
  explicit DecodeTable(const Table& table);

  alignas(64) std::array<std::uint8_t, 256> value;
  alignas(64) std::array<std::uint8_t, 256> slots;   ///< of that value
  alignas(64) std::array<std::uint8_t, 256> offset;  ///< of the slot among them
  unsigned escape_begin = 256;                       ///< slots from here on are escapes
};

/// Encodes from the last row to the first. Memory below `payload` and `escapes` must have room for a byte for each
/// value, and kSlack.
struct EncodePart {
  const std::byte* values = nullptr;
  std::byte* payload = nullptr;  ///< begins at the end of its memory, moves down
  std::byte* escapes = nullptr;  ///< the same
  States states;
};

/// Rows 0 to n_rows - 1 of `first`, and of `second` where there is one: two together take less time than one after the
/// other.
void encode_rows(const EncodeTable& table, EncodePart& first, EncodePart* second, std::size_t n_rows);

/// Decodes from the first row to the last. A row uses at most 64 bytes of payload; kSlack more may be read.
struct DecodePart {
  const std::byte* payload = nullptr;
  const std::byte* escapes = nullptr;
  std::size_t n_escapes = 0;  ///< that are left
  bool failed = false;        ///< more escapes than there are: what was decoded is void
  std::byte* values = nullptr;
  States states;
};

/// The next n_rows of `first`, and of `second` where there is one; moves their pointers on. `escapes` can be read for
/// kSlack beyond its end.
void decode_rows(const DecodeTable& table, DecodePart& first, DecodePart* second, std::size_t n_rows);

}  // namespace elves::encode::rans
