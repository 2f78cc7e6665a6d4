#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/pickle/graph.hpp"

namespace elves::formats::pickle {

/// Longer names are cut.
inline constexpr std::size_t kMaxNameBytes = 1024;

/// A value below another, and the part of its name below that of the other; an empty part adds nothing.
struct Branch {
  std::string_view part;  ///< of static storage
  Index node = kUnknown;
};

/// Receives the objects of a walk.
class Visitor {
 public:
  virtual ~Visitor() = default;
  /// Called once for each Object and Persistent, with the first name that leads to it. Returns the values to visit
  /// instead
  /// of its contents, or nothing to visit its contents.
  virtual std::optional<std::vector<Branch>> visit(Index node, const std::string& name) = 0;
};

/// Visits all values that can be reached from `root`, depth first, in the order of the containers. A name joins the
/// keys of dicts, the attributes of objects and the positions in lists with dots, without torch's _parameters, _buffers
/// and _modules. Each value is visited once, even if it is shared: time and memory are linear in the graph.
void walk(const Graph& graph, Index root, std::string root_name, Visitor& visitor);

}  // namespace elves::formats::pickle
