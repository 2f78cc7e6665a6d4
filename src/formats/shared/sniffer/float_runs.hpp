#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "formats/shared/sniffer/float_kind.hpp"

namespace elves::formats::sniffer {

/// A range of whole elements of one kind. A run that is not proven (constants, few elements) counts only where it goes
/// on from one that is.
struct FloatRun {
  std::uint64_t begin_bytes = 0;
  std::uint64_t end_bytes = 0;
  KindIndex kind = kNoFloats;
  bool proven = false;
};

/// Adds a run behind the others, as one with the last where it goes on from it or nearly so; not where it is empty.
void append_run(std::vector<FloatRun>& runs, const FloatRun& run);

/// A piece of a file in memory. `bytes` holds `size_bytes` of it and zeros up to padded_bytes(size_bytes).
struct Piece {
  const std::byte* bytes = nullptr;
  std::size_t size_bytes = 0;
  std::uint64_t offset_bytes = 0;  ///< in the file, a multiple of 8
};
std::size_t padded_bytes(std::size_t size_bytes);

/// Finds runs of floats in pieces of a file; keeps its memory (6 bytes for each 256 of a piece) from one to the next.
class RunFinder {
 public:
  /// Offsets are in the file; in their order, without overlap. Takes 3 to 6 cycles a byte.
  std::vector<FloatRun> find(const Piece& piece);

 private:
  void label_blocks(const Piece& piece);

  std::vector<KindIndex> labels_;        ///< of each block
  std::vector<KindIndex> from_;          ///< the best label before each block
  std::vector<std::uint32_t> switched_;  ///< a bit for each label that it is best to reach from there
};

}  // namespace elves::formats::sniffer
