#pragma once

#include <string>
#include <string_view>

#include "elves/error.hpp"
#include "formats/pickle/graph.hpp"
#include "formats/source_cursor.hpp"

namespace elves::formats::pickle {

/// The values of one pickle.
struct Pickled {
  Graph graph;
  Index root = kNone;
};

/// Reads the pickle at the cursor. Errors begin with `what`.
Result<Pickled> read_next(SourceCursor& cursor, std::string_view what);

/// The value of a text, or a whole number in digits; empty for other nodes.
std::string key_text(const Graph& graph, Index node);

}  // namespace elves::formats::pickle
