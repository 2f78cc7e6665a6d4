#include "families/hints.hpp"

#include <algorithm>
#include <unordered_map>

namespace elves::families {
namespace {

bool has_hint(const FamilyLayer& layer, std::size_t h) {
  return layer.hints[h] != Hash128{} && layer.hints[h] != layer.model;
}

/// The layers of a group by model and name; of equal ones the first.
class LayersByName {
 public:
  explicit LayersByName(std::span<const FamilyMember> layers) : layers_(layers) {
    for (std::uint32_t i = 0; i < layers.size(); ++i) {
      const FamilyLayer& layer = layers[i].layer;
      by_name_.try_emplace(name_key(layer.group, layer.model, layer.name), i);
    }
  }

  std::uint32_t find(const Hash128& group, const Hash128& model, const Hash128& name) const {
    const auto at = by_name_.find(name_key(group, model, name));
    if (at == by_name_.end()) return Clustering::kNone;
    const FamilyLayer& found = layers_[at->second].layer;
    return found.model == model && found.name == name ? at->second : Clustering::kNone;
  }

 private:
  std::span<const FamilyMember> layers_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_name_;
};

}  // namespace

std::vector<HintedBases> find_hinted_bases(std::span<const FamilyMember> layers, const KnownLayers& known) {
  std::vector<HintedBases> hinted(layers.size());
  const auto has_hints = [](const FamilyMember& member) {
    return has_hint(member.layer, 0) || has_hint(member.layer, 1);
  };
  if (std::none_of(layers.begin(), layers.end(), has_hints)) return hinted;
  const LayersByName by_name(layers);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const FamilyLayer& layer = layers[i].layer;
    for (std::size_t h = 0; h < 2; ++h) {
      if (!has_hint(layer, h)) continue;
      hinted[i].known[h] = known.find(layer.group, layer.hints[h], layer.name);
      hinted[i].new_layers[h] = by_name.find(layer.group, layer.hints[h], layer.name);
    }
  }
  return hinted;
}

}  // namespace elves::families
