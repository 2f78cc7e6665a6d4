#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "formats/hdf5/datatype.hpp"
#include "formats/hdf5/metadata.hpp"
#include "formats/hdf5/object_header.hpp"

namespace elves::formats::hdf5 {

/// A dimension that may grow without end.
inline constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};

struct Dataspace {
  bool has_elements = true;  ///< false for the null dataspace; a scalar has one element and no dimensions
  std::vector<std::uint64_t> shape{};
  std::vector<std::uint64_t> max_shape{};  ///< as long as shape
};

enum class Storage {
  Nowhere,  ///< not in this file, or nothing was ever written
  Piece,    ///< in one piece
  Chunks,
};

enum class ChunkIndex { BtreeV1, Single, Implicit, FixedArray, ExtensibleArray, BtreeV2 };

struct DataLayout {
  Storage storage = Storage::Nowhere;
  std::uint64_t address = kNowhere;            ///< of the piece or of the index
  std::optional<std::uint64_t> piece_bytes{};  ///< what the file says, where it does
  ChunkIndex index = ChunkIndex::BtreeV1;
  std::vector<std::uint64_t> chunk_shape{};
  std::uint64_t element_bytes = 0;                    ///< of chunks
  std::optional<std::uint64_t> single_chunk_bytes{};  ///< where one chunk with filters is all
};

/// What an object header says of a dataset.
struct Dataset {
  ElementType type;
  Dataspace space;
  DataLayout layout;
  bool has_filters = false;
  bool is_checksummed = false;  ///< the bytes lie in a header that has a checksum
};

bool is_dataset(const ObjectHeader& header);

/// Reads the messages of a dataset; one that is damaged, or of a version that is not known, fails the file.
Dataset read_dataset(Metadata& file, const ObjectHeader& header);

}  // namespace elves::formats::hdf5
