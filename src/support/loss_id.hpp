#pragma once

#include <compare>
#include <cstdint>

namespace elves {

/// Identifies what a layer may have lost. Equal ids: encoded with options that lose the same (error bound, minimum
/// signal-to-noise ratio). 0: decoding gives the original bits. Stored in the tables of shards as a u32.
struct LossId {
  std::uint32_t value = 0;

  constexpr bool is_exact() const noexcept { return value == 0; }
  auto operator<=>(const LossId&) const = default;
};

inline constexpr LossId kExact{};

}  // namespace elves
