#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "encode/scratch.hpp"
#include "encode/transforms/delta/kernel.hpp"

namespace elves::encode::delta {

/// How a chunk is coded: the operation, the number of low bytes that go to planes, and the groups. Chosen from at most
/// 4096 of its words, by integer arithmetic only: the same on every CPU.
struct Choice {
  Operation operation = Operation::Floats;
  unsigned low_bytes = 0;
  std::vector<std::uint8_t> thresholds;
  bool repeats = false;  ///< the differences repeat, for example where rows did not change: match search may pay

  Layout layout(unsigned word_bytes) const {
    return {.word_bytes = word_bytes, .low_bytes = low_bytes, .operation = operation, .thresholds = thresholds};
  }
};

/// `words` and `base` have the same size. Floats are grouped by contexts; integers are one group.
Choice choose(unsigned word_bytes, bool is_float, std::span<const std::byte> words, std::span<const std::byte> base,
              Scratch& scratch);

}  // namespace elves::encode::delta
