#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "encode/kernels/histogram.hpp"
#include "support/byte_cursor.hpp"

namespace elves::encode::rans {

/// The model of a segment: 256 slots, distributed to the byte values. A value without slots is an escape: it is coded
/// by the `escape_slots`, and its byte is appended to the list of escapes.
struct Table {
  std::array<std::uint8_t, 256> slots{};  ///< of each value, 0 to 255
  unsigned escape_slots = 0;              ///< the slots that no value has

  /// The best table for a histogram, of which at least one count is not 0. `complete`: no other values occur. If not
  /// complete, or if rare values get no slots, at least one slot is left for escapes.
  static Table of(const Histogram& counts, bool complete);

  /// Estimated bits of values with these counts, including the bytes of escapes.
  std::uint64_t cost_bits(const Histogram& counts) const;

  /// {first value, number of values - 1, the slots of each}.
  void write(ByteWriter& to) const;
  static std::optional<Table> read(ByteCursor& from);
};

}  // namespace elves::encode::rans
