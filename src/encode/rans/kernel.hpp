#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "encode/rans/table.hpp"

/// The loops of docs/format/transforms/rans.md: range asymmetric numeral systems (Duda 2013) with 64 states of 16 bits
/// and 256 slots, which read and write single bytes. Value i of a part belongs to state i % 64; a row is 64 values. The
/// payload of a row has the bytes of the even states first, then those of the odd states.
///
/// Bodies: kernel_generic-inl.hpp for any target, kernel_avx2-inl.hpp and kernel_vbmi2-inl.hpp for x86. The latter use
/// raw intrinsics because they depend on lookups in 256 bytes and on compress and expand of bytes, which Highway 1.0
/// does not offer. All give the same bytes.
namespace elves::encode::rans {

inline constexpr std::size_t kStates = 64;
inline constexpr std::uint16_t kFirstState = 256;  ///< the state with which encoding begins and decoding ends
inline constexpr std::size_t kSlack = 64;          ///< a kernel may touch this many bytes beyond those that it uses

using States = std::array<std::uint16_t, kStates>;

/// The table for encoding, indexed by value.
struct EncodeTable {
  explicit EncodeTable(const Table& table);

  alignas(64) std::array<std::uint8_t, 256> unused;                           ///< 256 - slots
  alignas(64) std::array<std::uint8_t, 256> begin;                            ///< first slot
  alignas(64) std::array<std::uint8_t, 256> reciprocal_low, reciprocal_high;  ///< of min(65535, 65536 / slots)
  std::uint8_t escape_begin = 0;  ///< `begin` of values without slots: the first slot of the escapes
  bool escapes = false;           ///< the escapes have slots
};

/// The table for decoding, indexed by slot.
struct DecodeTable {
  explicit DecodeTable(const Table& table);

  alignas(64) std::array<std::uint8_t, 256> value;
  alignas(64) std::array<std::uint8_t, 256> slots;   ///< number of slots of that value
  alignas(64) std::array<std::uint8_t, 256> offset;  ///< number of this slot among them
  unsigned escape_begin = 256;                       ///< slots from here on are escapes
};

/// The state of encoding a part, which goes from the last row to the first. Below `payload` and `escapes` there must be
/// room for one byte per value, and kSlack.
struct EncodePart {
  const std::byte* values = nullptr;
  std::byte* payload = nullptr;  ///< starts at the end of its memory and moves down
  std::byte* escapes = nullptr;  ///< likewise
  States states;
};

/// Encodes rows n_rows - 1 to 0 of `first`, and of `second` unless it is null: two parts together take less time than
/// one after the other.
void encode_rows(const EncodeTable& table, EncodePart& first, EncodePart* second, std::size_t n_rows);

/// The state of decoding a part, from the first row to the last. A row uses at most 64 bytes of payload; kSlack more
/// must be readable.
struct DecodePart {
  const std::byte* payload = nullptr;
  const std::byte* escapes = nullptr;
  std::size_t n_escapes = 0;  ///< number of escapes that are left
  bool failed = false;        ///< there were fewer escapes than needed: the decoded values are invalid
  std::byte* values = nullptr;
  States states;
};

/// Decodes the next n_rows of `first`, and of `second` unless it is null, and advances their pointers. kSlack bytes
/// after the end of `escapes` must be readable.
void decode_rows(const DecodeTable& table, DecodePart& first, DecodePart* second, std::size_t n_rows);

}  // namespace elves::encode::rans
