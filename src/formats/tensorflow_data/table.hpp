#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>

#include "formats/format.hpp"

namespace elves::formats::tensorflow_data {

/// Receives a key and its value; both are valid during the call only.
using VisitEntry = std::function<Result<void>(std::string_view key, std::span<const std::byte> value)>;

/// Calls `visit` for each entry of a LevelDB table, in the order of the file, and stops at its first Error.
/// The format is that of LevelDB's table_format.md: data blocks of prefix-compressed entries, an index block with their
/// places, a footer with the place of the index. Compressed blocks are an Error (TensorFlow writes none). Checksums of
/// blocks are not verified: at worst, a changed byte gives a layer a wrong name. Holds one block at a time, 64 MiB at
/// most, and reads no byte twice. Keys that decompress to far more bytes than the table has are an Error.
Result<void> for_each_entry(const ByteSource& table, const VisitEntry& visit);

}  // namespace elves::formats::tensorflow_data
