#include "families/clustering.hpp"

#include <algorithm>
#include <queue>
#include <tuple>
#include <utility>

#include "support/assert.hpp"

namespace elves::families {

Clustering::Clustering(std::vector<LayerCost> costs)
    : costs_(std::move(costs)), base_(costs_.size(), kNone), n_children_(costs_.size(), 0), bits_(costs_.size()) {
  for (std::size_t i = 0; i < costs_.size(); ++i) bits_[i] = costs_[i].outside;
}

void Clustering::attach(const Link& link) {
  ELVES_ASSERT(link.child != link.base && !has_children(link.child));
  detach(link.child);
  detach(link.base);
  base_[link.child] = link.base;
  bits_[link.child] = link.bits;
  ++n_children_[link.base];
}

void Clustering::detach(std::uint32_t child) {
  if (base_[child] == kNone) return;
  --n_children_[base_[child]];
  base_[child] = kNone;
  bits_[child] = costs_[child].outside;
}

std::int64_t Clustering::gain(std::uint32_t base, std::span<const Link> links) const {
  std::uint64_t saved = 0;
  for (const Link& link : links)
    if (!has_children(link.child) && link.bits < bits(link.child))
      saved += total(link.child, bits(link.child)) - total(link.child, link.bits);
  const std::uint64_t paid = total(base, costs_[base].standalone) - total(base, bits(base));
  return static_cast<std::int64_t>(saved) - static_cast<std::int64_t>(paid);
}

void Clustering::open(std::vector<Link>& links) {
  const auto order = [](const Link& a, const Link& b) {
    return std::tie(a.base, a.child, a.bits) < std::tie(b.base, b.child, b.bits);
  };
  std::sort(links.begin(), links.end(), order);
  const auto same = [](const Link& a, const Link& b) { return a.base == b.base && a.child == b.child; };
  links.erase(std::unique(links.begin(), links.end(), same), links.end());

  struct Candidate {
    std::int64_t gain;
    std::uint32_t base;
    std::span<const Link> links;
    bool operator<(const Candidate& other) const { return gain != other.gain ? gain < other.gain : base > other.base; }
  };
  std::priority_queue<Candidate> candidates;
  const auto offer = [&](std::uint32_t base, std::span<const Link> of_base) {
    const std::int64_t g = gain(base, of_base);
    if (g > 0) candidates.push({g, base, of_base});
  };
  for (std::size_t first = 0, end = 0; first < links.size(); first = end) {
    while (end < links.size() && links[end].base == links[first].base) ++end;
    offer(links[first].base, std::span(links).subspan(first, end - first));
  }
  while (!candidates.empty()) {
    const Candidate best = candidates.top();
    candidates.pop();
    // Bases made meanwhile may have taken some of the savings.
    if (gain(best.base, best.links) < best.gain) {
      offer(best.base, best.links);
      continue;
    }
    for (const Link& link : best.links)
      if (!has_children(link.child) && link.bits < bits(link.child)) attach(link);
  }
}

}  // namespace elves::families
