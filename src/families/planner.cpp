#include "families/planner.hpp"

#include <algorithm>
#include <numeric>

#include "families/base_assignment.hpp"
#include "support/assert.hpp"

namespace elves::families {
namespace {

FamilyMember newcomer(const FamilyLayer& layer, std::span<const std::byte> sketch) {
  FamilyMember member{layer, sketch};
  const bool takes_elf = sketch.empty() || elf_takes(layer.dtype, layer.size_bytes, sketch);
  if (!takes_elf) member.layer.loss = kExact;
  return member;
}

float as_number(Bits bits) {
  return static_cast<float>(bits) / static_cast<float>(kOneBit);
}

BaseChoice as_answer(const GroupChoice& choice, const FamilyLayer* base) {
  BaseChoice answer;
  if (choice.seen || base == nullptr) {
    answer.alone_bits = as_number(choice.alone);
    answer.delta_bits = as_number(choice.delta);
  }
  if (base == nullptr) return answer;
  answer.found = true;
  answer.by_lineage = choice.by_lineage;
  answer.base = *base;
  return answer;
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

std::vector<BaseChoice> FamilyPlanner::plan(std::span<const FamilyLayer> newcomers,
                                            std::span<const std::byte> sketches) {
  std::vector<FamilyMember> members;
  members.reserve(newcomers.size());
  for (const FamilyLayer& layer : newcomers) {
    const std::size_t n = sketch_bytes(layer.dtype, layer.size_bytes);
    ELVES_ASSERT(n <= sketches.size());
    members.push_back(newcomer(layer, sketches.first(n)));
    sketches = sketches.subspan(n);
  }
  ELVES_ASSERT(sketches.empty());

  std::vector<std::uint32_t> order(members.size());
  std::iota(order.begin(), order.end(), 0);
  const auto group_of = [&](std::uint32_t i) -> const Hash128& { return members[i].layer.group; };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return group_of(a) < group_of(b); });

  std::vector<BaseChoice> answers(members.size());
  SamplesCaches caches;
  std::vector<FamilyMember> group;
  for (std::size_t first = 0, end = 0; first < order.size(); first = end) {
    group.clear();
    for (; end < order.size() && group_of(order[end]) == group_of(order[first]); ++end)
      group.push_back(members[order[end]]);
    const auto choices = GroupPlan(group, state_->known, state_->signatures, caches).solve();
    for (std::size_t i = 0; i < choices.size(); ++i) {
      const FamilyLayer* base = nullptr;
      if (choices[i].newcomer != Clusters::kNone) base = &group[choices[i].newcomer].layer;
      if (choices[i].known != KnownLayers::kNone) base = &state_->known[choices[i].known].layer;
      answers[order[first + i]] = as_answer(choices[i], base);
    }
  }
  for (std::size_t i = 0; i < members.size(); ++i)
    if (!answers[i].found) state_->known.add(members[i], state_->signatures);
  return answers;
}

}  // namespace elves::families
