#pragma once

#include <cstdint>

#include "support/hash.hpp"
#include "support/loss_id.hpp"

namespace elves {

/// The current row of a path in an archive, as much as a sweep needs to decide whether the path is archived again.
struct KnownFile {
  Hash128 path;             ///< keyed hash
  std::uint64_t state = 0;  ///< plan::state_of() the entry when it was archived
  LossId loss;              ///< of its layers: exact if restore gives the original bits
};

}  // namespace elves
