#include "lineage/cycles.hpp"

#include <algorithm>
#include <cstdint>

namespace elves::lineage {
namespace {

constexpr std::size_t kUnseen = SIZE_MAX;

class Search {
 public:
  explicit Search(const std::vector<std::vector<std::size_t>>& points_to)
      : points_to_(points_to), number_(points_to.size(), kUnseen), lowest_(points_to.size()) {
    found_.group.assign(points_to.size(), kUnseen);
  }

  CycleGroups run() {
    for (std::size_t node = 0; node < points_to_.size(); ++node) {
      if (number_[node] == kUnseen) visit(node);
    }
    return std::move(found_);
  }

 private:
  struct Step {
    std::size_t node;
    std::size_t next_edge;
  };

  void visit(std::size_t root) {
    enter(root);
    while (!path_.empty()) {
      const auto node = path_.back().node;
      if (path_.back().next_edge < points_to_[node].size()) {
        look_at(node, points_to_[node][path_.back().next_edge++]);
      } else {
        leave(node);
      }
    }
  }

  void enter(std::size_t node) {
    number_[node] = lowest_[node] = n_seen_++;
    open_.push_back(node);
    path_.push_back({node, 0});
  }

  void look_at(std::size_t node, std::size_t to) {
    if (number_[to] == kUnseen)
      enter(to);
    else if (found_.group[to] == kUnseen)
      lowest_[node] = std::min(lowest_[node], number_[to]);
  }

  void leave(std::size_t node) {
    path_.pop_back();
    if (!path_.empty()) {
      auto& above = lowest_[path_.back().node];
      above = std::min(above, lowest_[node]);
    }
    if (lowest_[node] != number_[node]) return;
    for (auto member = kUnseen; member != node;) {
      member = open_.back();
      open_.pop_back();
      found_.group[member] = node;
      found_.order.push_back(member);
    }
  }

  const std::vector<std::vector<std::size_t>>& points_to_;
  std::vector<std::size_t> number_, lowest_;
  std::size_t n_seen_ = 0;
  std::vector<std::size_t> open_;  ///< seen, and not yet of a group
  std::vector<Step> path_;
  CycleGroups found_;
};

}  // namespace

CycleGroups find_cycles(const std::vector<std::vector<std::size_t>>& points_to) {
  return Search(points_to).run();
}

}  // namespace elves::lineage
