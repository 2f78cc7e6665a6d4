#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "families/prediction.hpp"

namespace elves::families {

/// What a layer of a group is predicted to take, in bits an element.
struct LayerCost {
  std::uint64_t n_elements = 0;
  Bits standalone = 0;
  Bits outside = 0;  ///< with its best base outside the group; `standalone` if there is none
};

/// A base that is possible for a layer, and what an element of the layer then takes.
struct Link {
  std::uint32_t child = 0;
  std::uint32_t base = 0;
  Bits bits = 0;
};

/// Which of the layers 0 .. n-1 are bases of which others, their children. A layer with children has no base itself,
/// neither among these layers nor outside.
class Clustering {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  explicit Clustering(std::vector<LayerCost> costs);

  std::uint32_t base(std::uint32_t layer) const { return base_[layer]; }
  bool has_children(std::uint32_t layer) const { return n_children_[layer] != 0; }
  /// What an element of the layer takes with its present base, or without one.
  Bits bits(std::uint32_t layer) const { return has_children(layer) ? costs_[layer].standalone : bits_[layer]; }
  const LayerCost& cost(std::uint32_t layer) const { return costs_[layer]; }
  /// Of all elements of the layer, in units of 2^-8 bits, so that the sum of 10^6 layers of 1 GiB fits.
  std::uint64_t total(std::uint32_t layer, Bits bits) const { return costs_[layer].n_elements * bits >> 8; }

  /// Detaches `base` from its own base. `child` must have no children.
  void attach(const Link& link);
  void detach(std::uint32_t child);

  /// Greedy: makes the layer a base that saves most in total, again and again, until none saves. Ignores links that
  /// save nothing for their child. Of equal savings the lower number wins. Sorts `links`; n log n of their number.
  void open(std::vector<Link>& links);

 private:
  std::int64_t gain(std::uint32_t base, std::span<const Link> links) const;

  std::vector<LayerCost> costs_;
  std::vector<std::uint32_t> base_;
  std::vector<std::uint32_t> n_children_;
  std::vector<Bits> bits_;
};

}  // namespace elves::families
