#pragma once

#include "formats/format.hpp"

namespace elves::formats {

namespace torch_tar {

/// A tar of nothing but sys_info, pickle, tensors and storages.
bool recognizes(const ByteSource& file);

/// Reads what torch.save wrote before 0.1.10. "storages" has a pickled count, and for each storage its pickled key,
/// location and class, an 8-byte count and as many elements; then the pickled views of storages. "tensors" has a
/// pickled count, and for each tensor its pickled key, storage and class, dimensions, sizes, strides and offset.
/// "pickle" is the object, with the tensors' keys for persistent ids. Time and memory are linear in all but the
/// elements.
Result<Layout> parse(const ByteSource& file);

}  // namespace torch_tar

inline constexpr Container kTorchTar{
    .id = ContainerId::TorchTar, .name = "torch-tar", .recognizes = torch_tar::recognizes, .parse = torch_tar::parse};

}  // namespace elves::formats
