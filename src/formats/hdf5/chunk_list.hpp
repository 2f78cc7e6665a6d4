#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "formats/hdf5/chunk_index.hpp"

namespace elves::formats::hdf5 {

/// The chunks of a dataset, as the readers of indexes find them.
class ChunkList {
 public:
  ChunkList(Metadata& file, const Dataset& dataset, std::uint64_t chunk_bytes)
      : file_(file), dataset_(dataset), chunk_bytes_(chunk_bytes) {}

  Metadata& file() const noexcept { return file_; }
  const Dataset& dataset() const noexcept { return dataset_; }
  const DataLayout& layout() const noexcept { return dataset_.layout; }
  std::size_t rank() const noexcept { return dataset_.layout.chunk_shape.size(); }
  /// Of a chunk without filters.
  std::uint64_t chunk_bytes() const noexcept { return chunk_bytes_; }
  /// In order of their places; two at the same place fail the file.
  std::vector<Chunk> take();

  /// `scaled`: where the chunk is, counted in chunks.
  void add(std::uint64_t address, std::uint64_t n_bytes, std::vector<std::uint64_t> scaled);
  void fail(std::string_view why) const;

 private:
  Metadata& file_;
  const Dataset& dataset_;
  std::uint64_t chunk_bytes_;
  std::vector<Chunk> chunks_;
};

/// Where a chunk is by its number. Chunks are numbered row by row in the largest shape that a dataset may take; a
/// dimension without end counts as the slowest.
class ChunkNumbers {
 public:
  ChunkNumbers(const ChunkList& chunks, std::optional<std::size_t> endless_dimension);

  /// All chunks; nothing where that overflows.
  std::optional<std::uint64_t> count() const;
  /// Counted in chunks.
  std::vector<std::uint64_t> scaled(std::uint64_t number) const;

 private:
  std::vector<std::size_t> order_;      ///< dimensions, the slowest first
  std::uint64_t n_outer_ = 0;           ///< chunks along the first of them
  std::vector<std::uint64_t> n_inner_;  ///< chunks in one step along each of them
};

}  // namespace elves::formats::hdf5
