#pragma once

#include <cstdint>
#include <functional>

#include "formats/hdf5/metadata.hpp"

namespace elves::formats::hdf5 {

enum class BtreeKind : std::uint8_t { Group = 0, Chunks = 1 };

/// Calls `take` for each child of the leaves of a B-tree of version 1, with the key before it, in the order of the
/// tree.
void for_each_leaf(Metadata& file, std::uint64_t address, std::uint64_t key_bytes, BtreeKind kind,
                   const std::function<void(NumberCursor& key, std::uint64_t child)>& take);

}  // namespace elves::formats::hdf5
