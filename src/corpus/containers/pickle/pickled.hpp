#pragma once

#include <string>
#include <string_view>

#include "corpus/containers/pickle/graph.hpp"
#include "corpus/source_cursor.hpp"
#include "elves/error.hpp"

namespace elves::corpus::pickle {

/// A pickle that was read.
struct Pickled {
  Graph graph;
  Index root = kNone;
};

/// The pickle where the cursor stands; errors begin with `what`.
Result<Pickled> read_next(SourceCursor& cursor, std::string_view what);

/// A text, or a whole number in digits; empty for others.
std::string key_text(const Graph& graph, Index node);

}  // namespace elves::corpus::pickle
