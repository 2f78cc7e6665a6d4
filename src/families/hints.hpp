#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "families/clustering.hpp"
#include "families/known_layers.hpp"

namespace elves::families {

/// The layers that lineage names as bases of a new layer: those of the same name in the models of its hints, the first
/// hint first. By number: new layers of the same group and wave, and known layers.
struct HintedBases {
  std::array<std::uint32_t, 2> new_layers{Clustering::kNone, Clustering::kNone};
  std::array<std::uint32_t, 2> known{KnownLayers::kNone, KnownLayers::kNone};

  bool names_new(std::uint32_t layer) const { return new_layers[0] == layer || new_layers[1] == layer; }
  bool names_known(std::uint32_t layer) const { return known[0] == layer || known[1] == layer; }
};

/// One row for each of the new layers of a group. A hint to the layer's own model names nothing.
std::vector<HintedBases> find_hinted_bases(std::span<const FamilyMember> layers, const KnownLayers& known);

}  // namespace elves::families
