#pragma once

#include <cstdint>
#include <vector>

#include "formats/hdf5/metadata.hpp"

namespace elves::formats::hdf5 {

/// The heap that contains the links of a group with many links.
class FractalHeap {
 public:
  /// Reads the heap's header and its indirect blocks.
  FractalHeap(Metadata& file, std::uint64_t address);

  /// Reads a heap ID from the cursor and returns its object.
  Block object(NumberCursor& id);

 private:
  /// A block of objects; `begin` is its offset in the address space of the heap.
  struct DirectBlock {
    std::uint64_t begin = 0;
    std::uint64_t n_bytes = 0;
    std::uint64_t address = 0;
  };

  void read_table(NumberCursor& header);
  void read_indirect(std::uint64_t address, std::uint64_t begin, unsigned n_rows);
  std::uint64_t row_block_bytes(unsigned row) const;
  void fail(std::string_view why);

  Metadata& file_;
  std::uint64_t id_bytes_ = 0;
  std::uint64_t offset_bytes_ = 0;  ///< width of an offset in the heap
  std::uint64_t length_bytes_ = 0;  ///< width of an object's length
  std::uint64_t table_width_ = 0;
  std::uint64_t start_block_bytes_ = 0;
  unsigned max_direct_rows_ = 0;
  std::vector<DirectBlock> blocks_;  ///< in order of the heap
};

}  // namespace elves::formats::hdf5
