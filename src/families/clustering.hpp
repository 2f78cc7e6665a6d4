#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "families/prediction.hpp"

namespace elves::families {

/// What the layers of one group would take.
struct LayerCost {
  std::uint64_t n_elements = 0;
  Bits alone = 0;    ///< an element without base
  Bits outside = 0;  ///< an element on the best base outside of the group; `alone` where there is none
};

/// A layer that may be a difference from another, and what an element then takes.
struct Link {
  std::uint32_t child = 0;
  std::uint32_t base = 0;
  Bits bits = 0;
};

/// Who rests on whom among layers 0 .. n-1. A layer with children has no base itself, neither here nor outside.
class Clusters {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  explicit Clusters(std::vector<LayerCost> costs);

  std::uint32_t base(std::uint32_t layer) const { return base_[layer]; }
  bool has_children(std::uint32_t layer) const { return n_children_[layer] != 0; }
  /// What an element of the layer takes as things stand.
  Bits bits(std::uint32_t layer) const { return has_children(layer) ? costs_[layer].alone : bits_[layer]; }
  const LayerCost& cost(std::uint32_t layer) const { return costs_[layer]; }
  /// In units of 2^-8 bits, so that 10^6 layers of 1 GiB can be added up.
  std::uint64_t total(std::uint32_t layer, Bits bits) const { return costs_[layer].n_elements * bits >> 8; }

  /// `base` is taken off its own base; `child` must have no children.
  void attach(const Link& link);
  void detach(std::uint32_t child);

  /// Makes the layer a base that saves most in all, again and again, until none saves. Links that save nothing for
  /// their child are ignored. Ties go to the lower number. Sorts `links`; n log n of their number.
  void open(std::vector<Link>& links);

 private:
  std::int64_t gain(std::uint32_t base, std::span<const Link> links) const;

  std::vector<LayerCost> costs_;
  std::vector<std::uint32_t> base_;
  std::vector<std::uint32_t> n_children_;
  std::vector<Bits> bits_;
};

}  // namespace elves::families
