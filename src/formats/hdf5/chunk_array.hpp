#pragma once

#include "formats/hdf5/chunk_list.hpp"

namespace elves::formats::hdf5 {

/// The index of a dataset without unlimited dimensions: an array with an entry for each chunk, in pages if it is large.
void read_fixed_array(ChunkList& chunks);

/// The index of a dataset with one unlimited dimension: an array that grows. The first entries are in its index block,
/// the next in blocks that the index block points to, and the rest in blocks that super blocks point to. Step u of its
/// growth adds 2^(u/2) blocks of 2^((u+1)/2) times the entries of the first block.
void read_extensible_array(ChunkList& chunks);

}  // namespace elves::formats::hdf5
