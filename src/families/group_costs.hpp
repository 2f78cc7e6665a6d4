#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "families/known_layers.hpp"
#include "families/nearest_layers.hpp"
#include "families/prediction.hpp"
#include "families/samples_cache.hpp"

namespace elves::families {

/// By how much the predictions for two bases must differ for one to be better: a quarter of a bit an element, or a
/// sixteenth of a small delta.
Bits tolerance(Bits bits);

/// True if the dtypes match and the base decodes to what a delta may be taken from: it is exact, or it and the layer
/// lose the same (both are ELF integers then).
bool may_be_base(const FamilyMember& base, const FamilyMember& layer);

/// The new layers of one group in one wave, by number, and what an element of each is predicted to take.
class GroupCosts {
 public:
  /// The arguments must outlive the object.
  GroupCosts(std::span<const FamilyMember> layers, SignatureMaker& signatures, SamplesCaches& caches);

  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(layers_.size()); }
  const FamilyMember& operator[](std::uint32_t layer) const { return layers_[layer]; }
  bool has_sketch(std::uint32_t layer) const { return !layers_[layer].sketch.empty(); }
  Words words(std::uint32_t layer) const { return costs_[layer].words; }
  SamplesCaches& caches() const noexcept { return caches_; }

  /// Of a layer with a sketch.
  Signature signature(std::uint32_t layer) const;

  /// Without a base. 16 bits for layers without a sketch.
  Bits standalone(std::uint32_t layer) const { return costs_[layer].standalone; }
  /// As a delta of `base`; standalone() where that is not allowed, not predictable, or saves less than 3 %.
  Bits delta(std::uint32_t layer, const FamilyMember& base) const;
  /// The same for a base that lineage names: without both sketches, a delta is taken to save 4 %. So it is chosen if
  /// nothing else is known, and any gain that samples show is preferred to it.
  Bits hinted_delta(std::uint32_t layer, const FamilyMember& base) const;

 private:
  struct Cost {
    Words words = Words::Patterns;
    Bits standalone = 0;
  };
  std::span<const FamilyMember> layers_;
  SignatureMaker& signatures_;
  SamplesCaches& caches_;
  std::vector<Cost> costs_;
};

}  // namespace elves::families
