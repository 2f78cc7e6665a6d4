#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// TensorFlow checkpoints: the tensors of a part X.data-0000i-of-0000n, as X.index in the same folder describes them.
/// Names are the keys of the checkpoint; a slice of a partitioned variable is an array of its own, under its encoded
/// key. Strings are glue. The index stores a CRC-32C of each tensor, so layers are `lossless`. An index that is damaged
/// or counts another number of parts is an Error. Time and memory are linear in the index.
extern const CompanionFormat kTensorflowData;

}  // namespace elves::formats
