#include "formats/pickle/pickled.hpp"

#include <fmt/format.h>

#include "formats/pickle/machine.hpp"

namespace elves::formats::pickle {

Result<Pickled> read_next(SourceCursor& cursor, std::string_view what) {
  Pickled pickled;
  const auto root = Machine(cursor, pickled.graph).run();
  if (!root) return Error{fmt::format("{}: {}", what, root.error().message)};
  pickled.root = *root;
  return pickled;
}

std::string key_text(const Graph& graph, Index node) {
  return graph.kind(node) == Kind::Int ? std::to_string(graph.number(node)) : std::string(graph.text(node));
}

}  // namespace elves::formats::pickle
