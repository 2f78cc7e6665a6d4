#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "encode/entropy.hpp"
#include "support/byte_cursor.hpp"

namespace elves::encode::rans {

/// The model of a segment: 256 slots shared out among byte values. A value without slots is an escape: it is coded as
/// one of the `escape_slots`, and its byte follows in the list of escapes.
struct Table {
  std::array<std::uint8_t, 256> slots{};  ///< of a value, 0 to 255
  unsigned escape_slots = 0;              ///< what is left of 256

  /// The best table for a histogram. `complete`: nothing else occurs; otherwise, and where rare values do without
  /// slots, at least one slot is left for escapes. At least one count is not 0.
  static Table of(const Histogram& counts, bool complete);

  /// About how many bits values that occur so often take, escapes with their bytes included.
  std::uint64_t cost_bits(const Histogram& counts) const;

  /// {first value, number of values - 1, the slots of each}.
  void write(ByteWriter& to) const;
  static std::optional<Table> read(ByteCursor& from);
};

}  // namespace elves::encode::rans
