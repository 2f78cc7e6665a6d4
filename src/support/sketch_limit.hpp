#pragma once

#include <cstdint>

namespace elves {

/// Layers of fewer bytes have no sketch. Only lineage finds their bases, by their names.
inline constexpr std::uint64_t kLeastSketchedBytes = std::uint64_t{64} << 10;

}  // namespace elves
