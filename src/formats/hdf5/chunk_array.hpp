#pragma once

#include "formats/hdf5/chunk_list.hpp"

namespace elves::formats::hdf5 {

/// The index of a dataset whose size has an end: an array with an entry for each chunk, in pages where it is large.
void read_fixed_array(ChunkList& chunks);

/// The index of a dataset with one dimension without end: an array that grows. Some entries lie in its index block, the
/// next in blocks that the index block points to, and those behind in blocks that super blocks point to. Step u of its
/// growth adds 2^(u/2) blocks of 2^((u+1)/2) times the entries of the first block.
void read_extensible_array(ChunkList& chunks);

}  // namespace elves::formats::hdf5
