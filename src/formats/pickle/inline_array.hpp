#pragma once

#include <cstdint>
#include <optional>

#include "elves/error.hpp"
#include "formats/pickle/graph.hpp"
#include "formats/source_cursor.hpp"

namespace elves::formats::pickle {

/// Skips the padding before the array of a wrapper and returns its length in bytes; nothing if the array is a pickle of
/// objects. An Error if the wrapper does not give the length.
Result<std::optional<std::uint64_t>> begin_inline_array(const Graph& graph, Index wrapper, SourceCursor& cursor);

}  // namespace elves::formats::pickle
