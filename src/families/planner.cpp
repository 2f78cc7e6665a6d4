#include "families/planner.hpp"

#include <algorithm>
#include <numeric>

#include "families/base_assignment.hpp"
#include "support/assert.hpp"

namespace elves::families {
namespace {

FamilyMember new_member(const FamilyLayer& layer, std::span<const std::byte> sketch) {
  FamilyMember member{layer, sketch};
  const bool takes_elf = sketch.empty() || elf_takes(layer.dtype, layer.size_bytes, sketch);
  if (!takes_elf) member.layer.loss = kExact;
  return member;
}

float as_number(Bits bits) {
  return static_cast<float>(bits) / static_cast<float>(kOneBit);
}

BaseChoice as_choice(const AssignedBase& assigned, const FamilyLayer* base) {
  BaseChoice choice;
  if (assigned.is_predicted || base == nullptr) {
    choice.standalone_bits = as_number(assigned.standalone);
    choice.delta_bits = as_number(assigned.delta);
  }
  if (base == nullptr) return choice;
  choice.found = true;
  choice.by_lineage = assigned.by_lineage;
  choice.base = *base;
  return choice;
}

}  // namespace

struct FamilyPlanner::State {
  KnownLayers known;
  SignatureMaker signatures;
};

FamilyPlanner::FamilyPlanner() : state_(std::make_unique<State>()) {}
FamilyPlanner::~FamilyPlanner() = default;

void FamilyPlanner::add_known(const FamilyLayer& layer, std::span<const std::byte> sketch) {
  ELVES_ASSERT(sketch.empty() || sketch.size() == sketch_bytes(layer.dtype, layer.size_bytes));
  state_->known.add({layer, sketch}, state_->signatures);
}

std::size_t FamilyPlanner::n_known() const noexcept {
  return state_->known.size();
}

std::vector<BaseChoice> FamilyPlanner::plan(std::span<const FamilyLayer> layers, std::span<const std::byte> sketches) {
  std::vector<FamilyMember> members;
  members.reserve(layers.size());
  for (const FamilyLayer& layer : layers) {
    const std::size_t n = sketch_bytes(layer.dtype, layer.size_bytes);
    ELVES_ASSERT(n <= sketches.size());
    members.push_back(new_member(layer, sketches.first(n)));
    sketches = sketches.subspan(n);
  }
  ELVES_ASSERT(sketches.empty());

  std::vector<std::uint32_t> order(members.size());
  std::iota(order.begin(), order.end(), 0);
  const auto group_of = [&](std::uint32_t i) -> const Hash128& { return members[i].layer.group; };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return group_of(a) < group_of(b); });

  std::vector<BaseChoice> choices(members.size());
  SamplesCaches caches;
  std::vector<FamilyMember> group;
  for (std::size_t first = 0, end = 0; first < order.size(); first = end) {
    group.clear();
    for (; end < order.size() && group_of(order[end]) == group_of(order[first]); ++end)
      group.push_back(members[order[end]]);
    const auto assigned = BaseAssignment(group, state_->known, state_->signatures, caches).solve();
    for (std::size_t i = 0; i < assigned.size(); ++i) {
      const FamilyLayer* base = nullptr;
      if (assigned[i].new_layer != Clustering::kNone) base = &group[assigned[i].new_layer].layer;
      if (assigned[i].known != KnownLayers::kNone) base = &state_->known[assigned[i].known].layer;
      choices[order[first + i]] = as_choice(assigned[i], base);
    }
  }
  for (std::size_t i = 0; i < members.size(); ++i)
    if (!choices[i].found) state_->known.add(members[i], state_->signatures);
  return choices;
}

}  // namespace elves::families
