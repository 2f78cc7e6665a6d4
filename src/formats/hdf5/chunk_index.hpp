#pragma once

#include <cstdint>
#include <vector>

#include "formats/hdf5/dataset.hpp"
#include "formats/hdf5/metadata.hpp"

namespace elves::formats::hdf5 {

/// A stored chunk.
struct Chunk {
  std::uint64_t address = 0;
  std::uint64_t n_bytes = 0;
  std::vector<std::uint64_t> origin{};  ///< index of its first element in the dataset
};

/// The stored chunks of a dataset, in order of their origins. `chunk_bytes` is the size of a chunk without filters.
/// Chunks that are completely outside of the shape of the dataset are left out.
std::vector<Chunk> read_chunks(Metadata& file, const Dataset& dataset, std::uint64_t chunk_bytes);

}  // namespace elves::formats::hdf5
