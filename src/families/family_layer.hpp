#pragma once

#include <cstdint>

#include "elves/dtype.hpp"
#include "support/hash.hpp"
#include "support/loss_id.hpp"

namespace elves::families {

/// A layer, or a part of one, that may rest on a base or be one. Trivially copyable; its sketch travels behind it.
struct FamilyLayer {
  Hash128 group;     ///< of dtype, all dimensions but the first, part number; for 0 or 1 dimensions of dtype, number of
                     ///< elements, part. Layers of different groups have nothing to do with each other
  Hash128 model;     ///< hash of the model's id
  Hash128 name;      ///< hash of the layer's name within the model
  Hash128 hints[2];  ///< models that lineage names as base; zero: none
  std::uint64_t size_bytes = 0;
  std::uint64_t source = 0;  ///< opaque, handed back with a choice
  std::uint64_t row = 0;     ///< where the layer lies or will lie
  std::uint32_t shard = 0;
  LossId loss;  ///< of what is stored; of newcomers: what encoding them may lose (ELF)
  DType dtype = DType::Bytes;
};

}  // namespace elves::families
