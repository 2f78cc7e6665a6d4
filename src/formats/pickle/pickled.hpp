#pragma once

#include <string>
#include <string_view>

#include "elves/error.hpp"
#include "formats/pickle/graph.hpp"
#include "formats/source_cursor.hpp"

namespace elves::formats::pickle {

/// A pickle that was read.
struct Pickled {
  Graph graph;
  Index root = kNone;
};

/// The pickle where the cursor stands; errors begin with `what`.
Result<Pickled> read_next(SourceCursor& cursor, std::string_view what);

/// A text, or a whole number in digits; empty for others.
std::string key_text(const Graph& graph, Index node);

}  // namespace elves::formats::pickle
