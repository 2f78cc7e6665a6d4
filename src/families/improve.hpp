#pragma once

#include <span>

#include "families/clustering.hpp"
#include "families/group_costs.hpp"
#include "families/hints.hpp"

namespace elves::families {

/// Improves a greedy clustering of a group by local search: merges clusters, moves bases to better members, and lets
/// layers choose again among the bases, until nothing changes, at most three times. `hints`: by layer. Among bases that
/// are about as good, one that lineage names is preferred, then the first in corpus order: so that the layers of a
/// model have their bases in one other model. Linear in the number of layers, with some predictions for each.
void improve(const GroupCosts& costs, std::span<const HintedBases> hints, Clustering& clustering);

}  // namespace elves::families
