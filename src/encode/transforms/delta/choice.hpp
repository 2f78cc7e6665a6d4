#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "encode/scratch.hpp"
#include "encode/transforms/delta/kernel.hpp"

namespace elves::encode::delta {

/// What is best for a chunk, from up to 4096 of its words: the operation, the low bytes that are left alone, and the
/// groups. Integer arithmetic only: the same on every CPU.
struct Choice {
  Operation operation = Operation::Floats;
  unsigned low_bytes = 0;
  std::vector<std::uint8_t> thresholds;
  bool repeats = false;  ///< the differences do, as where rows did not change: their streams may have matches

  Layout layout(unsigned word_bytes) const {
    return {.word_bytes = word_bytes, .low_bytes = low_bytes, .operation = operation, .thresholds = thresholds};
  }
};

/// `words` and `base` are equally long. Floats have contexts, integers one group.
Choice choose(unsigned word_bytes, bool is_float, std::span<const std::byte> words, std::span<const std::byte> base,
              Scratch& scratch);

}  // namespace elves::encode::delta
