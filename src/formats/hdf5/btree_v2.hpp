#pragma once

#include <cstdint>
#include <functional>

#include "formats/hdf5/metadata.hpp"

namespace elves::formats::hdf5 {

/// The record types that the parser asks for.
enum class RecordType : std::uint8_t {
  LinkByName = 5,
  Chunk = 10,
  FilteredChunk = 11,
};

/// Hands each record of a B-tree of version 2 to `take`, in the tree's order; fails where it holds records of another
/// type. The cursor ends with the record.
void for_each_record(Metadata& file, std::uint64_t address, RecordType type,
                     const std::function<void(NumberCursor&)>& take);

}  // namespace elves::formats::hdf5
