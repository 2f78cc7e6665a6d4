#include "restore/list/family_tree.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace elves::restore {
namespace {

class Tree {
 public:
  explicit Tree(const std::vector<ListedModel>& models) : models_(models), base_(models.size()) {
    std::map<std::string_view, std::size_t> numbers;
    for (std::size_t i = 0; i < models.size(); ++i) numbers.emplace(models[i].id, i);
    for (std::size_t i = 0; i < models.size(); ++i) {
      base_[i] = models[i].base() != nullptr ? models[i].base() : models[i].original();
      const auto above = base_[i] != nullptr ? numbers.find(base_[i]->model) : numbers.end();
      above_.push_back(above != numbers.end() ? above->second : kNone);  // none: of a superseded version only
    }
    cut_rings();
    for (std::size_t i = 0; i < models.size(); ++i) {
      if (above_[i] != kNone) below_[above_[i]].push_back(i);
    }
  }

  std::vector<FamilyMember> draw() {
    for (std::size_t i = 0; i < models_.size(); ++i) {
      if (above_[i] == kNone && below_.contains(i)) draw_from(i);
    }
    return std::move(members_);
  }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};

  struct Step {
    std::size_t model = 0;
    std::size_t depth = 0;
    bool is_last = true;
  };

  /// Of the models of each ring, the one that shares the smallest part of its layers with the one above has none above.
  void cut_rings() {
    std::vector<std::size_t> seen_from(models_.size(), kNone);
    for (std::size_t i = 0; i < models_.size(); ++i) {
      auto at = i;
      for (; at != kNone && seen_from[at] == kNone; at = above_[at]) seen_from[at] = i;
      if (at == kNone || seen_from[at] != i) continue;
      auto least = at;
      for (auto next = above_[at]; next != at; next = above_[next]) {
        if (share(next) < share(least)) least = next;
      }
      above_[least] = kNone;
    }
  }

  double share(std::size_t i) const {
    return static_cast<double>(base_[i]->shared_bytes()) / static_cast<double>(models_[i].layer_bytes);
  }

  void draw_from(std::size_t top) {
    std::vector<Step> steps{{top, 0, true}};
    while (!steps.empty()) {
      const auto step = steps.back();
      steps.pop_back();
      const auto& model = models_[step.model];
      const auto* base = step.depth > 0 ? base_[step.model] : nullptr;
      members_.push_back({&model, base, step.depth, step.is_last, others(model, base)});
      bool is_last = true;
      const auto& below = below_[step.model];
      for (auto next = below.rbegin(); next != below.rend(); ++next) {
        steps.push_back({*next, step.depth + 1, std::exchange(is_last, false)});
      }
    }
  }

  static std::size_t others(const ListedModel& model, const Relative* base) {
    return static_cast<std::size_t>(std::ranges::count_if(model.relatives, [&](const Relative& other) {
      return &other != base && other.size_bytes > 0 && other.model != model.id;
    }));
  }

  const std::vector<ListedModel>& models_;
  std::vector<const Relative*> base_;
  std::vector<std::size_t> above_;  ///< the model of `base_`
  std::map<std::size_t, std::vector<std::size_t>> below_;
  std::vector<FamilyMember> members_;
};

}  // namespace

std::vector<FamilyMember> family_tree(const std::vector<ListedModel>& models) {
  return Tree(models).draw();
}

}  // namespace elves::restore
