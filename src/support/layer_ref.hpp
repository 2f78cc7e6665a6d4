#pragma once

#include <compare>
#include <cstdint>

namespace elves {

/// A row of a shard's /layers table.
struct LayerRef {
  std::uint32_t shard = 0;
  std::uint64_t row = 0;
  auto operator<=>(const LayerRef&) const = default;
};

}  // namespace elves
