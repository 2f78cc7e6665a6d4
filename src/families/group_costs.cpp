#include "families/group_costs.hpp"

#include <algorithm>

namespace elves::families {
namespace {

constexpr Bits kStandaloneUnseen = 16 * kOneBit;

bool pays(Bits delta, Bits standalone) {
  return std::uint64_t{delta} * 100 < std::uint64_t{standalone} * 97;
}

Bits unseen_delta(Bits standalone) {
  return standalone - standalone / 25;
}

bool both_sketched(const FamilyMember& a, const FamilyMember& b) {
  return !a.sketch.empty() && !b.sketch.empty();
}

}  // namespace

Bits tolerance(Bits bits) {
  return std::min(kOneBit / 4, bits / 16);
}

bool may_be_base(const FamilyMember& base, const FamilyMember& layer) {
  if (layer.layer.dtype != base.layer.dtype) return false;
  return base.layer.loss.is_exact() || layer.layer.loss == base.layer.loss;
}

GroupCosts::GroupCosts(std::span<const FamilyMember> layers, SignatureMaker& signatures, SamplesCaches& caches)
    : layers_(layers), signatures_(signatures), caches_(caches) {
  costs_.reserve(layers.size());
  for (const FamilyMember& member : layers) {
    Cost cost{Words::Patterns, kStandaloneUnseen};
    if (!member.sketch.empty()) {
      if (!member.layer.loss.is_exact()) cost.words = Words::Elf;
      cost.standalone = predict_standalone(caches.own.get(member, cost.words));
    }
    costs_.push_back(cost);
  }
}

Signature GroupCosts::signature(std::uint32_t layer) const {
  const FamilyMember& member = layers_[layer];
  return signatures_.make(member.layer.dtype, member.layer.size_bytes, member.sketch);
}

Bits GroupCosts::delta(std::uint32_t layer, const FamilyMember& base) const {
  const FamilyMember& member = layers_[layer];
  const auto [words, standalone] = costs_[layer];
  if (!may_be_base(base, member) || !both_sketched(member, base)) return standalone;
  const Bits bits = predict_delta(caches_.own.get(member, words), caches_.base.get(base, words), standalone);
  return pays(bits, standalone) ? bits : standalone;
}

Bits GroupCosts::hinted_delta(std::uint32_t layer, const FamilyMember& base) const {
  const bool is_unseen = may_be_base(base, layers_[layer]) && !both_sketched(layers_[layer], base);
  return is_unseen ? unseen_delta(standalone(layer)) : delta(layer, base);
}

}  // namespace elves::families
