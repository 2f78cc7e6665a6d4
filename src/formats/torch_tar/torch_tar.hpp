#pragma once

#include "formats/format.hpp"

namespace elves::formats {

/// torch.save before 0.1.10: a tar whose only members are sys_info, pickle, tensors and storages. "storages" is a
/// pickled count, and for each storage its pickled key, location and class, an 8-byte count and as many elements; then
/// the pickled views of storages. "tensors" is a pickled count, and for each tensor its pickled key, storage and class,
/// then dimensions, sizes, strides and offset. "pickle" is the object; its persistent ids are the keys of tensors. Time
/// and memory are linear in everything but the elements.
extern const Format kTorchTar;

}  // namespace elves::formats
