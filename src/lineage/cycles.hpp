#pragma once

#include <cstddef>
#include <vector>

namespace elves::lineage {

/// The nodes of a graph by the cycles that they lie on.
struct CycleGroups {
  std::vector<std::size_t> group;  ///< by node; two nodes are in one group where each can be reached from the other
  std::vector<std::size_t> order;  ///< all nodes; each behind all nodes of other groups that it points to
};

/// Strongly connected components (Tarjan 1972), without recursion: nodes and edges may be millions and lie in one
/// chain. `points_to`: for each node, the nodes that it has an edge to. Linear.
CycleGroups find_cycles(const std::vector<std::vector<std::size_t>>& points_to);

}  // namespace elves::lineage
