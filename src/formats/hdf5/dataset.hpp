#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "formats/hdf5/datatype.hpp"
#include "formats/hdf5/metadata.hpp"
#include "formats/hdf5/object_header.hpp"

namespace elves::formats::hdf5 {

/// The size of an unlimited dimension.
inline constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};

struct Dataspace {
  bool has_elements = true;  ///< false for the null dataspace; a scalar has one element and no dimensions
  std::vector<std::uint64_t> shape{};
  std::vector<std::uint64_t> max_shape{};  ///< as long as shape
};

enum class Storage {
  Nowhere,  ///< not in this file, or never written
  Piece,    ///< contiguous, or inside the object header
  Chunks,
};

enum class ChunkIndex { BtreeV1, Single, Implicit, FixedArray, ExtensibleArray, BtreeV2 };

struct DataLayout {
  Storage storage = Storage::Nowhere;
  std::uint64_t address = kNowhere;            ///< of the piece or of the index
  std::optional<std::uint64_t> piece_bytes{};  ///< if the file gives it
  ChunkIndex index = ChunkIndex::BtreeV1;
  std::vector<std::uint64_t> chunk_shape{};
  std::uint64_t element_bytes = 0;                    ///< of the chunks
  std::optional<std::uint64_t> single_chunk_bytes{};  ///< if the dataset is one chunk with filters
};

/// A dataset, as its object header describes it.
struct Dataset {
  ElementType type;
  Dataspace space;
  DataLayout layout;
  bool has_filters = false;
  bool is_checksummed = false;  ///< the data is inside an object header that has a checksum
};

bool is_dataset(const ObjectHeader& header);

/// Reads the messages of a dataset. A message that is damaged or has an unknown version fails the file.
Dataset read_dataset(Metadata& file, const ObjectHeader& header);

}  // namespace elves::formats::hdf5
