#pragma once

#include <cstdint>

#include "elves/dtype.hpp"
#include "support/hash.hpp"
#include "support/layer_ref.hpp"
#include "support/loss_id.hpp"

namespace elves::families {

/// A layer, or a part of one, that may have a base or be one. Trivially copyable.
struct FamilyLayer {
  /// Hash of dtype, part number and all dimensions but the first; for fewer than two dimensions, of the number of
  /// elements. Only layers of one group can be deltas of each other.
  Hash128 group;
  Hash128 model;     ///< hash of the model's id
  Hash128 name;      ///< hash of the layer's name within the model
  Hash128 hints[2];  ///< models that lineage names as base; zero: none
  std::uint64_t size_bytes = 0;
  std::uint64_t source = 0;  ///< any number; is returned with a choice
  LayerRef place;            ///< where the layer is or will be stored
  LossId loss;               ///< of the stored layer; of a new one: what encoding it may lose (ELF)
  DType dtype = DType::Bytes;
};

}  // namespace elves::families
