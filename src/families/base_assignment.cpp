#include "families/base_assignment.hpp"

#include <algorithm>
#include <utility>

#include "families/improve.hpp"

namespace elves::families {
namespace {

constexpr std::size_t kNearest = 8;  // layers that are predicted as bases of each layer

bool both_sketched(const FamilyMember& a, const FamilyMember& b) {
  return !a.sketch.empty() && !b.sketch.empty();
}

}  // namespace

BaseAssignment::BaseAssignment(std::span<const FamilyMember> layers, const KnownLayers& known,
                               SignatureMaker& signatures, SamplesCaches& caches)
    : layers_(layers), known_(known), costs_(layers, signatures, caches), hints_(find_hinted_bases(layers, known)) {}

std::vector<AssignedBase> BaseAssignment::solve() {
  find_known();
  std::vector<LayerCost> costs;
  for (std::uint32_t i = 0; i < costs_.size(); ++i) {
    const FamilyLayer& layer = layers_[i].layer;
    costs.push_back({layer.size_bytes / size_bytes(layer.dtype), costs_.standalone(i), on_known_[i].bits});
  }
  Clustering clustering(std::move(costs));
  std::vector<Link> links;
  link_hinted(links);
  link_nearest(links);
  clustering.open(links);
  links = {};
  improve(costs_, hints_, clustering);
  auto result = choices(clustering);
  follow_hints_to_bases(clustering, result);
  return result;
}

/// The best known base of each layer.
void BaseAssignment::find_known() {
  for (std::uint32_t i = 0; i < costs_.size(); ++i) on_known_.push_back({KnownLayers::kNone, costs_.standalone(i)});
  std::vector<std::uint32_t> nearest;
  for (std::uint32_t i = 0; i < costs_.size(); ++i) {
    for (const auto known : hints_[i].known)
      if (known != KnownLayers::kNone) try_known(i, known, costs_.hinted_delta(i, known_[known]));
    const Hash128& group = layers_[i].layer.group;
    if (!costs_.has_sketch(i) || !known_.has_sketches(group)) continue;
    known_.nearest(group, costs_.signature(i), kNearest, nearest);
    for (const auto known : nearest) try_known(i, known, costs_.delta(i, known_[known]));
  }
}

/// A base that lineage names was tried first. It is replaced only by one that is clearly better.
void BaseAssignment::try_known(std::uint32_t layer, std::uint32_t known, Bits bits) {
  KnownChoice& best = on_known_[layer];
  const HintedBases& hints = hints_[layer];
  const bool best_is_hinted = best.base != KnownLayers::kNone && hints.names_known(best.base);
  const Bits lead = best_is_hinted && !hints.names_known(known) ? tolerance(bits) : 0;
  if (bits + lead >= best.bits || layers_[layer].layer.place == known_[known].layer.place) return;
  best = {known, bits};
}

void BaseAssignment::link_hinted(std::vector<Link>& links) const {
  for (std::uint32_t i = 0; i < costs_.size(); ++i) {
    for (const auto hinted : hints_[i].new_layers) {
      if (hinted == Clustering::kNone) continue;
      const Bits bits = costs_.hinted_delta(i, layers_[hinted]);
      if (bits < on_known_[i].bits) links.push_back({i, hinted, bits});
    }
  }
}

/// Links each layer to those nearest to it, in both directions.
void BaseAssignment::link_nearest(std::vector<Link>& links) const {
  NearestLayers index;
  std::vector<std::uint32_t> layer_of;  // by member of the index
  for (std::uint32_t i = 0; i < costs_.size(); ++i)
    if (costs_.has_sketch(i)) layer_of.push_back(i);
  index.reserve(layer_of.size());
  for (const auto layer : layer_of) index.add(costs_.signature(layer));

  std::vector<std::uint64_t> pairs;
  std::vector<std::uint32_t> nearest;
  for (std::uint32_t a = 0; a < layer_of.size(); ++a) {
    index.nearest(index.signature(a), kNearest + 1, nearest);
    for (const auto b : nearest)
      if (b != a) pairs.push_back(std::uint64_t{std::min(a, b)} << 32 | std::max(a, b));
  }
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  for (const auto pair : pairs) {
    const std::uint32_t a = layer_of[pair >> 32];
    const std::uint32_t b = layer_of[pair & ~std::uint32_t{0}];
    try_link(a, b, links);
    try_link(b, a, links);
  }
}

void BaseAssignment::try_link(std::uint32_t child, std::uint32_t base, std::vector<Link>& links) const {
  const Bits bits = costs_.delta(child, layers_[base]);
  if (bits < on_known_[child].bits) links.push_back({child, base, bits});
}

std::vector<AssignedBase> BaseAssignment::choices(const Clustering& clustering) const {
  std::vector<AssignedBase> result(layers_.size());
  for (std::uint32_t i = 0; i < costs_.size(); ++i) {
    AssignedBase& choice = result[i];
    choice.standalone = costs_.standalone(i);
    choice.delta = clustering.bits(i);
    choice.is_predicted = costs_.has_sketch(i);
    if (clustering.has_children(i)) continue;
    if (clustering.base(i) != Clustering::kNone) {
      choice.new_layer = clustering.base(i);
      choice.by_lineage = hints_[i].names_new(choice.new_layer);
      choice.is_predicted = both_sketched(layers_[i], layers_[choice.new_layer]);
    } else if (on_known_[i].base != KnownLayers::kNone) {
      choice.known = on_known_[i].base;
      choice.by_lineage = hints_[i].names_known(choice.known);
      choice.is_predicted = both_sketched(layers_[i], known_[choice.known]);
    }
  }
  return result;
}

/// If the layer that lineage names has a base itself, a layer without a base of its own takes that base, unless samples
/// could tell better.
void BaseAssignment::follow_hints_to_bases(const Clustering& clustering, std::vector<AssignedBase>& choices) const {
  for (std::uint32_t i = 0; i < costs_.size(); ++i) {
    AssignedBase& choice = choices[i];
    for (const auto hinted : hints_[i].new_layers) {
      if (hinted == Clustering::kNone || clustering.has_children(i)) continue;
      if (choice.new_layer != Clustering::kNone || choice.known != KnownLayers::kNone) continue;
      const std::uint32_t new_layer = clustering.base(hinted);
      const std::uint32_t known = clustering.has_children(hinted) ? KnownLayers::kNone : on_known_[hinted].base;
      const auto fits = [&](const FamilyMember& base) {
        return may_be_base(base, layers_[i]) && !both_sketched(layers_[i], base);
      };
      if (new_layer != Clustering::kNone && new_layer != i && fits(layers_[new_layer]))
        choice.new_layer = new_layer;
      else if (new_layer == Clustering::kNone && known != KnownLayers::kNone && fits(known_[known]))
        choice.known = known;
      else
        continue;
      choice.by_lineage = true;
      choice.is_predicted = false;
    }
  }
}

}  // namespace elves::families
