#pragma once

#include "formats/format.hpp"

namespace elves::formats {

namespace tensorflow_data {

/// The tensors of a part of a TensorFlow checkpoint, X.data-0000i-of-0000n, as X.index beside it tells. Names are the
/// checkpoint's keys; a slice of a partitioned variable is an array of its own, under its encoded key. Strings are
/// glue. The index keeps a CRC-32C of each tensor, so its layers are lossless. An index that is damaged, or speaks of
/// another number of parts, is an Error. Time and memory are linear in the index.
std::optional<Result<Layout>> parse(const ByteSource& file, std::string_view name, const Folder& folder);

}  // namespace tensorflow_data

inline constexpr Companion kTensorflowData{
    .id = ContainerId::TensorflowData, .name = "tensorflow-data", .parse = tensorflow_data::parse};

}  // namespace elves::formats
