#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>

#include "formats/format.hpp"

namespace elves::formats::tensorflow_data {

/// Takes a key and its value, both valid during the call only.
using VisitEntry = std::function<Result<void>(std::string_view key, std::span<const std::byte> value)>;

/// Calls `visit` for each entry of a LevelDB table, in the order of the file, and stops at its first Error.
/// The format is that of LevelDB's table_format.md: data blocks of prefix-compressed entries, an index block that
/// tells where they are, a footer that tells where that is. Compressed blocks are an Error (TensorFlow writes none).
/// The checksums of blocks are not looked at: what a changed byte can do here is to misname a layer.
/// Holds one block at a time, 64 MiB at most; reads no byte twice; keys that unfold to far more than the table holds
/// are an Error.
Result<void> for_each_entry(const ByteSource& table, const VisitEntry& visit);

}  // namespace elves::formats::tensorflow_data
