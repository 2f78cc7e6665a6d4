#include "families/improve.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

namespace elves::families {
namespace {

constexpr std::size_t kNearest = 8;
constexpr int kMostRounds = 3;
constexpr std::uint32_t kSmallCluster = 5;  // every member is tried as its base
constexpr std::size_t kMostCandidates = 8;
constexpr std::size_t kNearMedian = 3;  // candidates of a larger cluster
constexpr std::size_t kMembersOfMedian = 63;
constexpr std::size_t kMembersOfTrial = 256;

/// About `most` of the numbers, evenly spread.
std::vector<std::uint32_t> some_of(std::span<const std::uint32_t> numbers, std::size_t most) {
  const std::size_t step = (numbers.size() + most - 1) / most;
  std::vector<std::uint32_t> some;
  for (std::size_t i = 0; i < numbers.size(); i += step) some.push_back(numbers[i]);
  return some;
}

/// The children of each base, as they were at construction.
class Children {
 public:
  explicit Children(const Clustering& clustering, std::size_t n) : first_(n + 1, 0) {
    for (std::uint32_t i = 0; i < n; ++i)
      if (clustering.base(i) != Clustering::kNone) ++first_[clustering.base(i) + 1];
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
    children_.resize(first_.back());
    auto next = first_;
    for (std::uint32_t i = 0; i < n; ++i)
      if (clustering.base(i) != Clustering::kNone) children_[next[clustering.base(i)]++] = i;
  }
  std::span<const std::uint32_t> of(std::uint32_t base) const {
    return std::span(children_).subspan(first_[base], first_[base + 1] - first_[base]);
  }

 private:
  std::vector<std::uint32_t> first_;
  std::vector<std::uint32_t> children_;
};

/// The sketched bases of a clustering, found by their signatures.
struct Bases {
  NearestLayers index;
  std::vector<std::uint32_t> layers;  ///< by member of the index

  Bases(const GroupCosts& costs, const Clustering& clustering) {
    for (std::uint32_t i = 0; i < costs.size(); ++i) {
      if (!clustering.has_children(i) || !costs.has_sketch(i)) continue;
      layers.push_back(i);
      index.add(costs.signature(i));
    }
  }
};

class LocalSearch {
 public:
  LocalSearch(const GroupCosts& costs, std::span<const HintedBases> hints, Clustering& clustering)
      : costs_(costs), hints_(hints), clustering_(clustering) {}

  bool merge_clusters();
  bool move_bases();
  bool choose_again();

 private:
  using Numbers = std::span<const std::uint32_t>;

  std::uint32_t merge(std::uint32_t base, Numbers children, Numbers others);
  void move_to(std::uint32_t base, Numbers members);
  bool move_base(std::uint32_t base, Numbers children);
  std::vector<std::uint32_t> candidates(std::uint32_t base, Numbers members) const;
  std::vector<std::uint32_t> nearest_to_median(std::uint32_t base, Numbers members) const;
  void take_median(Numbers members, Samples& median) const;
  std::uint64_t total_of_children(std::uint32_t base, Numbers members) const;
  std::uint64_t total_with(std::uint32_t base, Numbers members) const;

  const GroupCosts& costs_;
  std::span<const HintedBases> hints_;
  Clustering& clustering_;
};

/// Each layer takes the best of the bases near to it.
bool LocalSearch::choose_again() {
  const Bases bases(costs_, clustering_);
  bool changed = false;
  std::vector<std::uint32_t> nearest;
  for (std::uint32_t i = 0; i < costs_.size() && !bases.layers.empty(); ++i) {
    if (!costs_.has_sketch(i) || clustering_.has_children(i)) continue;
    Link best{i, clustering_.base(i), clustering_.bits(i)};
    if (clustering_.base(i) != Clustering::kNone) best.bits -= tolerance(best.bits);
    bases.index.nearest(costs_.signature(i), kNearest, nearest);
    for (const auto found : nearest) {
      const std::uint32_t base = bases.layers[found];
      if (base == clustering_.base(i) || !clustering_.has_children(base)) continue;
      const Bits bits = costs_.delta(i, costs_[base]);
      if (bits < best.bits) best = {i, base, bits};
    }
    if (best.base == clustering_.base(i)) continue;
    clustering_.attach(best);
    changed = true;
  }
  return changed;
}

/// Merges clusters into others whose base serves their members nearly as well. Small clusters go first. A cluster that
/// has taken another in stays.
bool LocalSearch::merge_clusters() {
  const Bases bases(costs_, clustering_);
  const Children children(clustering_, costs_.size());
  std::vector<std::uint32_t> by_size(bases.layers.size());
  std::iota(by_size.begin(), by_size.end(), 0);
  const auto n_children = [&](std::uint32_t b) { return children.of(bases.layers[b]).size(); };
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return n_children(a) < n_children(b); });
  std::vector<bool> stays(costs_.size(), false);
  std::vector<std::uint32_t> nearest;
  bool changed = false;
  for (const auto b : by_size) {
    const std::uint32_t base = bases.layers[b];
    if (stays[base]) continue;
    bases.index.nearest(bases.index.signature(b), kNearest, nearest);
    std::erase_if(nearest,
                  [&](std::uint32_t other) { return other == b || !clustering_.has_children(bases.layers[other]); });
    for (auto& other : nearest) other = bases.layers[other];
    const std::uint32_t target = merge(base, children.of(base), nearest);
    if (target == Clustering::kNone) continue;
    stays[target] = true;
    changed = true;
  }
  return changed;
}

/// Merges the cluster of `base` into the best of `others`, and returns that; kNone if none is good enough.
std::uint32_t LocalSearch::merge(std::uint32_t base, Numbers children, Numbers others) {
  std::vector<std::uint32_t> members(children.begin(), children.end());
  members.push_back(base);
  const auto trial = some_of(members, kMembersOfTrial);
  std::uint32_t target = Clustering::kNone;
  std::uint64_t least = ~std::uint64_t{0};
  for (const auto other : others) {
    const std::uint64_t total = total_of_children(other, trial);
    if (total < least) std::tie(target, least) = std::pair(other, total);
  }
  if (target == Clustering::kNone) return target;
  // The children chose this base for the smallest prediction, by chance also among equally good ones: hence the
  // tolerance.
  std::uint64_t now = 0;
  for (const auto member : members) {
    const Bits bits = clustering_.bits(member);
    now += clustering_.total(member, bits + tolerance(bits));
  }
  if (total_of_children(target, members) >= now) return Clustering::kNone;
  move_to(target, members);
  return target;
}

void LocalSearch::move_to(std::uint32_t base, Numbers members) {
  for (const auto member : members) clustering_.detach(member);
  for (const auto member : members) {
    if (member == base) continue;
    const Bits bits = costs_.delta(member, costs_[base]);
    if (bits < clustering_.cost(member).outside) clustering_.attach({member, base, bits});
  }
}

bool LocalSearch::move_bases() {
  const Children children(clustering_, costs_.size());
  bool changed = false;
  for (std::uint32_t base = 0; base < costs_.size(); ++base)
    if (!children.of(base).empty()) changed = move_base(base, children.of(base)) || changed;
  return changed;
}

/// Makes another member the base of the cluster if that is better, or about as good and preferred.
bool LocalSearch::move_base(std::uint32_t base, Numbers children) {
  std::vector<std::uint32_t> members(children.begin(), children.end());
  members.push_back(base);
  if (!std::all_of(members.begin(), members.end(), [&](std::uint32_t m) { return costs_.has_sketch(m); })) return false;
  Bits smallest = clustering_.bits(children.front());
  for (const auto child : children) smallest = std::min(smallest, clustering_.bits(child));
  const std::uint64_t tie = clustering_.total(base, tolerance(smallest));

  const auto trial = some_of(members, kMembersOfTrial);
  const auto in_order = candidates(base, members);
  std::vector<std::uint64_t> totals;
  totals.reserve(in_order.size());
  for (const auto candidate : in_order) totals.push_back(total_with(candidate, trial));
  const std::uint64_t least = *std::min_element(totals.begin(), totals.end());
  std::size_t best = 0;  // the first that is about as good as the best
  while (totals[best] > least + tie) ++best;
  if (in_order[best] == base) return false;
  const bool is_preferred =
      std::find(in_order.begin(), in_order.end(), base) - in_order.begin() > static_cast<std::ptrdiff_t>(best);
  const std::uint64_t with_best = total_with(in_order[best], members);
  const std::uint64_t with_base = total_with(base, members);
  if (is_preferred ? with_best > with_base + tie : with_best + tie >= with_base) return false;
  move_to(in_order[best], members);
  return true;
}

/// The members that are tried as bases: first those that lineage names, then in corpus order.
std::vector<std::uint32_t> LocalSearch::candidates(std::uint32_t base, Numbers members) const {
  std::vector<std::uint32_t> named;
  for (const auto member : members)
    for (const auto hinted : hints_[member].new_layers)
      if (hinted != Clustering::kNone) named.push_back(hinted);
  std::sort(named.begin(), named.end());
  const auto is_named = [&](std::uint32_t member) { return std::binary_search(named.begin(), named.end(), member); };
  std::vector<std::uint32_t> found = nearest_to_median(base, members);
  found.push_back(base);
  found.push_back(*std::min_element(members.begin(), members.end()));
  for (const auto member : members)
    if (found.size() < kMostCandidates && is_named(member)) found.push_back(member);
  const auto rank = [&](std::uint32_t member) { return std::pair(!is_named(member), member); };
  std::sort(found.begin(), found.end(), [&](auto a, auto b) { return rank(a) < rank(b); });
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::uint64_t LocalSearch::total_of_children(std::uint32_t base, Numbers members) const {
  std::uint64_t total = 0;
  for (const auto member : members)
    if (member != base)
      total +=
          clustering_.total(member, std::min(costs_.delta(member, costs_[base]), clustering_.cost(member).outside));
  return total;
}

std::uint64_t LocalSearch::total_with(std::uint32_t base, Numbers members) const {
  return total_of_children(base, members) + clustering_.total(base, costs_.standalone(base));
}

/// The members nearest to the median of the samples of all; all members of a small cluster.
std::vector<std::uint32_t> LocalSearch::nearest_to_median(std::uint32_t base, Numbers members) const {
  if (members.size() <= kSmallCluster) return {members.begin(), members.end()};
  const Words words = costs_.words(base);
  Samples median = costs_.caches().base.get(costs_[base], words);
  const auto is_alike = [&](std::uint32_t member) {
    return costs_.words(member) == words && costs_[member].layer.size_bytes == costs_[base].layer.size_bytes;
  };
  std::vector<std::uint32_t> alike;
  std::copy_if(members.begin(), members.end(), std::back_inserter(alike), is_alike);
  take_median(some_of(alike, kMembersOfMedian), median);

  std::vector<std::pair<Bits, std::uint32_t>> distances;
  for (const auto member : alike) {
    const Samples& own = costs_.caches().own.get(costs_[member], words);
    distances.emplace_back(predict_delta(own, median, costs_.standalone(member)), member);
  }
  const auto end = distances.begin() + static_cast<std::ptrdiff_t>(std::min(kNearMedian, distances.size()));
  std::partial_sort(distances.begin(), end, distances.end());
  std::vector<std::uint32_t> nearest;
  for (auto at = distances.begin(); at != end; ++at) nearest.push_back(at->second);
  return nearest;
}

void LocalSearch::take_median(Numbers members, Samples& median) const {
  std::vector<std::uint32_t> rows;
  for (const auto member : members) {
    const Samples& samples = costs_.caches().own.get(costs_[member], median.words);
    rows.insert(rows.end(), samples.values.begin(), samples.values.begin() + median.n);
    median.used_bits |= samples.used_bits;
  }
  // ELF integers are in two's complement: with the sign inverted they are ordered as unsigned words.
  const std::uint32_t sign = median.words == Words::Elf ? 0x8000'0000u : 0;
  std::vector<std::uint32_t> column(members.size());
  for (std::size_t i = 0; i < median.n; ++i) {
    for (std::size_t m = 0; m < column.size(); ++m) column[m] = rows[m * median.n + i] ^ sign;
    const auto middle = column.begin() + static_cast<std::ptrdiff_t>(column.size() / 2);
    std::nth_element(column.begin(), middle, column.end());
    median.values[i] = *middle ^ sign;
  }
}

}  // namespace

void improve(const GroupCosts& costs, std::span<const HintedBases> hints, Clustering& clustering) {
  LocalSearch search(costs, hints, clustering);
  for (int round = 0; round < kMostRounds; ++round) {
    const bool merged = search.merge_clusters();
    const bool moved = search.move_bases();
    const bool chose = search.choose_again();
    if (!merged && !moved && !chose) return;
  }
}

}  // namespace elves::families
