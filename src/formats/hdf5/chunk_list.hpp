#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "formats/hdf5/chunk_index.hpp"

namespace elves::formats::hdf5 {

/// Collects the chunks of a dataset from a reader of an index.
class ChunkList {
 public:
  ChunkList(Metadata& file, const Dataset& dataset, std::uint64_t chunk_bytes)
      : file_(file), dataset_(dataset), chunk_bytes_(chunk_bytes) {}

  Metadata& file() const noexcept { return file_; }
  const Dataset& dataset() const noexcept { return dataset_; }
  const DataLayout& layout() const noexcept { return dataset_.layout; }
  std::size_t rank() const noexcept { return dataset_.layout.chunk_shape.size(); }
  /// Size of a chunk without filters.
  std::uint64_t chunk_bytes() const noexcept { return chunk_bytes_; }
  /// The chunks in order of their origins. Two with the same origin fail the file.
  std::vector<Chunk> take();

  /// `scaled` is the place of the chunk, counted in chunks.
  void add(std::uint64_t address, std::uint64_t n_bytes, std::vector<std::uint64_t> scaled);
  void fail(std::string_view why) const;

 private:
  Metadata& file_;
  const Dataset& dataset_;
  std::uint64_t chunk_bytes_;
  std::vector<Chunk> chunks_;
};

/// The place of a chunk, given its number. Chunks are numbered row by row in the largest shape of the dataset; an
/// unlimited dimension is the slowest.
class ChunkNumbers {
 public:
  ChunkNumbers(const ChunkList& chunks, std::optional<std::size_t> endless_dimension);

  /// The number of all chunks; nothing if it overflows.
  std::optional<std::uint64_t> count() const;
  /// The place of a chunk, counted in chunks.
  std::vector<std::uint64_t> scaled(std::uint64_t number) const;

 private:
  std::vector<std::size_t> order_;      ///< dimensions, the slowest first
  std::uint64_t n_outer_ = 0;           ///< chunks along the first of them
  std::vector<std::uint64_t> n_inner_;  ///< chunks in one step along each of them
};

}  // namespace elves::formats::hdf5
