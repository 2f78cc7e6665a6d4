#pragma once

#include <cstddef>
#include <vector>

#include "restore/list/listing.hpp"

namespace elves::restore {

/// A model in the tree of who rests on whom.
struct FamilyMember {
  const ListedModel* model = nullptr;
  const ListedKin* base = nullptr;  ///< what it takes from the member above; nullptr at the top
  std::size_t depth = 0;
  bool is_last = true;       ///< of those that rest on the same model
  std::size_t n_others = 0;  ///< further models from which some of its layers are differences
};

/// The families: models on which others rest, each followed by these, in order of identifier. Models that stand alone
/// are left out. Where models rest on each other, the one that takes the smallest part of its bytes from the others is
/// at the top. Points into `models`, which are in order of identifier.
std::vector<FamilyMember> family_tree(const std::vector<ListedModel>& models);

}  // namespace elves::restore
