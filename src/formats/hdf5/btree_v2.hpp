#pragma once

#include <cstdint>
#include <functional>

#include "formats/hdf5/metadata.hpp"

namespace elves::formats::hdf5 {

/// The record types that the parser reads.
enum class RecordType : std::uint8_t {
  LinkByName = 5,
  Chunk = 10,
  FilteredChunk = 11,
};

/// Calls `take` for each record of a B-tree of version 2, in the order of the tree, with a cursor on the record. A tree
/// with records of another type fails the file.
void for_each_record(Metadata& file, std::uint64_t address, RecordType type,
                     const std::function<void(NumberCursor&)>& take);

}  // namespace elves::formats::hdf5
