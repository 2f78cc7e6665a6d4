#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "formats/shared/sniffer/float_kind.hpp"

namespace elves::formats::sniffer {

/// A range of whole elements of one kind. A run that is not proven (constants, few elements) counts only if it
/// continues a proven one.
struct FloatRun {
  std::uint64_t begin_bytes = 0;
  std::uint64_t end_bytes = 0;
  KindIndex kind = kNoFloats;
  bool proven = false;
};

/// Appends a run unless it is empty; joins it with the last run if that has the same kind and ends close before it.
void append_run(std::vector<FloatRun>& runs, const FloatRun& run);

/// A piece of a file in memory: `bytes` has `size_bytes` of the file, then zeros up to padded_bytes(size_bytes).
struct Piece {
  const std::byte* bytes = nullptr;
  std::size_t size_bytes = 0;
  std::uint64_t offset_bytes = 0;  ///< in the file, a multiple of 8
};
std::size_t padded_bytes(std::size_t size_bytes);

/// Finds runs of floats in pieces of a file. Reuses its memory, 6 bytes for each 256 bytes of a piece.
class RunFinder {
 public:
  /// The runs in order, without overlap; offsets are in the file. Costs 3 to 6 cycles a byte.
  std::vector<FloatRun> find(const Piece& piece);

 private:
  void label_blocks(const Piece& piece);

  std::vector<KindIndex> labels_;        ///< of each block
  std::vector<KindIndex> from_;          ///< the best label of the block before, for each block
  std::vector<std::uint32_t> switched_;  ///< a bit for each label that is best reached from `from_`, for each block
};

}  // namespace elves::formats::sniffer
