#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "families/clustering.hpp"
#include "families/group_costs.hpp"
#include "families/hints.hpp"
#include "families/known_layers.hpp"

namespace elves::families {

/// What a new layer is stored as: a delta of another new layer or of a known layer, or standalone.
struct AssignedBase {
  std::uint32_t new_layer = Clustering::kNone;
  std::uint32_t known = KnownLayers::kNone;
  bool by_lineage = false;
  bool is_predicted = false;  ///< `standalone` and `delta` are predictions from samples
  Bits standalone = 0;
  Bits delta = 0;
};

/// Chooses bases for the new layers of one group in one wave.
class BaseAssignment {
 public:
  /// The arguments must outlive the object.
  BaseAssignment(std::span<const FamilyMember> layers, const KnownLayers& known, SignatureMaker& signatures,
                 SamplesCaches& caches);

  /// One row for each new layer.
  std::vector<AssignedBase> solve();

 private:
  struct KnownChoice {
    std::uint32_t base = KnownLayers::kNone;  ///< the best
    Bits bits = 0;                            ///< with it; standalone if there is none
  };

  void find_known();
  void try_known(std::uint32_t layer, std::uint32_t known, Bits bits);
  void link_hinted(std::vector<Link>& links) const;
  void link_nearest(std::vector<Link>& links) const;
  void try_link(std::uint32_t child, std::uint32_t base, std::vector<Link>& links) const;
  std::vector<AssignedBase> choices(const Clustering& clustering) const;
  void follow_hints_to_bases(const Clustering& clustering, std::vector<AssignedBase>& choices) const;

  std::span<const FamilyMember> layers_;
  const KnownLayers& known_;
  GroupCosts costs_;
  std::vector<HintedBases> hints_;
  std::vector<KnownChoice> on_known_;
};

}  // namespace elves::families
