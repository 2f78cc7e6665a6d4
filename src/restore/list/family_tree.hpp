#pragma once

#include <cstddef>
#include <vector>

#include "restore/list/listing.hpp"

namespace elves::restore {

/// A model in a tree of models and their bases.
struct FamilyMember {
  const ListedModel* model = nullptr;
  const Relative* base = nullptr;  ///< what it shares with the member above; nullptr at the top
  std::size_t depth = 0;
  bool is_last = true;       ///< of the members below the same model
  std::size_t n_others = 0;  ///< further models that own bases of its deltas
};

/// The families: each model that others have above them, followed by these, in order of identifier. Above a model is
/// its base, or else the model whose duplicate it is. Models without either, and above none, are left out. Where models
/// are above each other in a ring, the one that shares the smallest part of its bytes is at the top. Points into
/// `models`, which are in order of identifier.
std::vector<FamilyMember> family_tree(const std::vector<ListedModel>& models);

}  // namespace elves::restore
