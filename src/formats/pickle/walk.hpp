#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/pickle/graph.hpp"

namespace elves::formats::pickle {

/// A longer name is cut off.
inline constexpr std::size_t kMaxNameBytes = 1024;

/// A value below another, and what its name has more; an empty part adds nothing.
struct Branch {
  std::string_view part;  ///< of static storage
  Index node = kUnknown;
};

/// What a walk is for.
class Visitor {
 public:
  virtual ~Visitor() = default;
  /// Told of each Object and Persistent once, by the first name that leads to it. Gives what to look into instead of
  /// it, or nothing for an object that is to be looked into as any other is.
  virtual std::optional<std::vector<Branch>> visit(Index node, const std::string& name) = 0;
};

/// Visits all that can be reached from `root`, depth first, in the order of the containers. Names join the keys of
/// dicts and the positions in lists with dots; the attributes of an object are as keys, less _parameters, _buffers and
/// _modules, in which torch keeps them. Each value is entered once, however often it is shared: time and memory are
/// linear in the graph.
void walk(const Graph& graph, Index root, std::string root_name, Visitor& visitor);

}  // namespace elves::formats::pickle
