#include "families/base_assignment.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <utility>

namespace elves::families {
namespace {

constexpr std::size_t kNearest = 8;
constexpr int kMostRounds = 6;
constexpr std::uint32_t kSmallCluster = 5;  // every member is tried as its centre
constexpr Bits kAbout = kOneBit / 4;        // an element of the base: what predictions of a pair may be wrong by
constexpr std::size_t kMostCentres = 8;
constexpr std::size_t kCentresTried = 3;  // of a larger one
constexpr std::size_t kMembersOfMedian = 63;
constexpr std::size_t kMembersOfTrial = 256;
constexpr Bits kAloneUnseen = 16 * kOneBit;

bool worth(Bits delta, Bits alone) {
  return std::uint64_t{delta} * 100 < std::uint64_t{alone} * 97;
}

// What lineage names is taken where nothing is known, and gives way to any gain that was seen.
Bits unseen_delta(Bits alone) {
  return alone - alone / 25;
}

bool usable(const FamilyMember& child, const FamilyMember& base) {
  if (child.layer.dtype != base.layer.dtype) return false;
  return base.layer.loss.is_exact() || child.layer.loss == base.layer.loss;
}

// By how much predictions on two bases must differ for the layer to tell which is better.
Bits about(Bits bits) {
  return std::min(kAbout, bits / 16);
}

bool same_place(const FamilyLayer& a, const FamilyLayer& b) {
  return a.shard == b.shard && a.row == b.row;
}

bool seen(const FamilyMember& a, const FamilyMember& b) {
  return !a.sketch.empty() && !b.sketch.empty();
}

bool is_one_of(const std::array<std::uint32_t, 2>& hinted, std::uint32_t number) {
  return hinted[0] == number || hinted[1] == number;
}

// About `most` of the numbers, evenly spread.
std::vector<std::uint32_t> some_of(std::span<const std::uint32_t> numbers, std::size_t most) {
  const std::size_t step = (numbers.size() + most - 1) / most;
  std::vector<std::uint32_t> some;
  for (std::size_t i = 0; i < numbers.size(); i += step) some.push_back(numbers[i]);
  return some;
}

class Children {
 public:
  explicit Children(const Clusters& clusters, std::size_t n) : first_(n + 1, 0) {
    for (std::uint32_t i = 0; i < n; ++i)
      if (clusters.base(i) != Clusters::kNone) ++first_[clusters.base(i) + 1];
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
    children_.resize(first_.back());
    auto next = first_;
    for (std::uint32_t i = 0; i < n; ++i)
      if (clusters.base(i) != Clusters::kNone) children_[next[clusters.base(i)]++] = i;
  }
  std::span<const std::uint32_t> of(std::uint32_t base) const {
    return std::span(children_).subspan(first_[base], first_[base + 1] - first_[base]);
  }

 private:
  std::vector<std::uint32_t> first_;
  std::vector<std::uint32_t> children_;
};

}  // namespace

const Samples& SamplesCache::get(const FamilyMember& member, Words words) {
  const auto address = reinterpret_cast<std::uintptr_t>(member.sketch.data());
  Slot& slot = slots_[(address * 0x9E3779B97F4A7C15u >> 32) % slots_.size()];
  if (slot.sketch != member.sketch.data() || slot.samples.words != words) {
    load_samples(member.layer.dtype, member.layer.size_bytes, member.sketch, words, slot.samples);
    if (with_contexts_) find_contexts(slot.samples);
    slot.sketch = member.sketch.data();
  }
  return slot.samples;
}

GroupPlan::GroupPlan(std::span<const FamilyMember> newcomers, const KnownLayers& known, SignatureMaker& signatures,
                     SamplesCaches& caches)
    : members_(newcomers), known_(known), signature_maker_(signatures), caches_(caches), newcomers_(newcomers.size()) {}

std::vector<GroupChoice> GroupPlan::solve() {
  prepare_newcomers();
  find_hinted();
  find_known();
  std::vector<LayerCost> costs;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const FamilyLayer& layer = members_[i].layer;
    costs.push_back({layer.size_bytes / size_bytes(layer.dtype), newcomers_[i].alone, newcomers_[i].on_known});
  }
  Clusters clusters(std::move(costs));
  std::vector<Link> links;
  link_hinted(links);
  link_newcomers(links);
  clusters.open(links);
  links = {};
  improve(clusters);
  auto result = choices(clusters);
  follow_hints_to_bases(clusters, result);
  return result;
}

void GroupPlan::prepare_newcomers() {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const FamilyMember& member = members_[i];
    Newcomer& newcomer = newcomers_[i];
    newcomer.alone = kAloneUnseen;
    if (!member.sketch.empty()) {
      if (!member.layer.loss.is_exact()) newcomer.words = Words::Elf;
      newcomer.alone = predict_alone(caches_.own.get(member, newcomer.words));
    }
    newcomer.on_known = newcomer.alone;
  }
}

void GroupPlan::find_hinted() {
  const auto hinted = [](const FamilyLayer& layer, std::size_t h) {
    return layer.hints[h] != Hash128{} && layer.hints[h] != layer.model;
  };
  const auto any = [&](const FamilyMember& member) { return hinted(member.layer, 0) || hinted(member.layer, 1); };
  if (std::none_of(members_.begin(), members_.end(), any)) return;
  std::unordered_map<std::uint64_t, std::uint32_t> by_name;
  for (std::uint32_t i = 0; i < members_.size(); ++i)
    by_name.try_emplace(name_key(members_[i].layer.group, members_[i].layer.model, members_[i].layer.name), i);
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const FamilyLayer& layer = members_[i].layer;
    for (std::size_t h = 0; h < 2; ++h) {
      if (!hinted(layer, h)) continue;
      newcomers_[i].hinted_known[h] = known_.find(layer.group, layer.hints[h], layer.name);
      const auto at = by_name.find(name_key(layer.group, layer.hints[h], layer.name));
      if (at == by_name.end()) continue;
      const FamilyLayer& named = members_[at->second].layer;
      if (named.model == layer.hints[h] && named.name == layer.name) newcomers_[i].hinted[h] = at->second;
    }
  }
}

void GroupPlan::find_known() {
  std::vector<std::uint32_t> nearest;
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    const FamilyMember& member = members_[i];
    for (const auto known : newcomers_[i].hinted_known)
      if (known != KnownLayers::kNone) try_known(i, known, bits_by_lineage(i, known_[known]));
    if (member.sketch.empty() || !known_.has_sketches(member.layer.group)) continue;
    known_.nearest(member.layer.group, signature_of(i), kNearest, nearest);
    for (const auto known : nearest) try_known(i, known, bits_on(i, known_[known]));
  }
}

// A base that lineage names, and that was tried first, gives way only to one that is clearly better.
void GroupPlan::try_known(std::uint32_t child, std::uint32_t known, Bits bits) {
  Newcomer& newcomer = newcomers_[child];
  const bool named = newcomer.known != KnownLayers::kNone && is_one_of(newcomer.hinted_known, newcomer.known);
  const bool is_other = named && !is_one_of(newcomer.hinted_known, known);
  const Bits lead = is_other ? about(bits) : 0;
  if (bits + lead >= newcomer.on_known || same_place(members_[child].layer, known_[known].layer)) return;
  newcomer.known = known;
  newcomer.on_known = bits;
}

Signature GroupPlan::signature_of(std::uint32_t newcomer) {
  const FamilyMember& member = members_[newcomer];
  return signature_maker_.make(member.layer.dtype, member.layer.size_bytes, member.sketch);
}

Bits GroupPlan::bits_on(std::uint32_t child, const FamilyMember& base) {
  const FamilyMember& member = members_[child];
  const Newcomer& newcomer = newcomers_[child];
  if (!usable(member, base) || !seen(member, base)) return newcomer.alone;
  const Bits delta =
      predict_delta(caches_.own.get(member, newcomer.words), caches_.base.get(base, newcomer.words), newcomer.alone);
  return worth(delta, newcomer.alone) ? delta : newcomer.alone;
}

Bits GroupPlan::bits_by_lineage(std::uint32_t child, const FamilyMember& base) {
  const bool unseen = usable(members_[child], base) && !seen(members_[child], base);
  return unseen ? unseen_delta(newcomers_[child].alone) : bits_on(child, base);
}

void GroupPlan::try_link(std::uint32_t child, std::uint32_t base, std::vector<Link>& links) {
  const Bits bits = bits_on(child, members_[base]);
  if (bits < newcomers_[child].on_known) links.push_back({child, base, bits});
}

void GroupPlan::link_hinted(std::vector<Link>& links) {
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    for (const auto hinted : newcomers_[i].hinted) {
      if (hinted == Clusters::kNone) continue;
      const Bits bits = bits_by_lineage(i, members_[hinted]);
      if (bits < newcomers_[i].on_known) links.push_back({i, hinted, bits});
    }
  }
}

void GroupPlan::link_newcomers(std::vector<Link>& links) {
  Neighbours neighbours;
  std::vector<std::uint32_t> newcomer_of;
  for (std::uint32_t i = 0; i < members_.size(); ++i)
    if (!members_[i].sketch.empty()) newcomer_of.push_back(i);
  neighbours.reserve(newcomer_of.size());
  for (const auto newcomer : newcomer_of) neighbours.add(signature_of(newcomer));

  std::vector<std::uint64_t> pairs;
  std::vector<std::uint32_t> nearest;
  for (std::uint32_t a = 0; a < newcomer_of.size(); ++a) {
    neighbours.nearest(neighbours.signature(a), kNearest + 1, nearest);
    for (const auto b : nearest)
      if (b != a) pairs.push_back(std::uint64_t{std::min(a, b)} << 32 | std::max(a, b));
  }
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  for (const auto pair : pairs) {
    const std::uint32_t a = newcomer_of[pair >> 32];
    const std::uint32_t b = newcomer_of[pair & ~std::uint32_t{0}];
    try_link(a, b, links);
    try_link(b, a, links);
  }
}

void GroupPlan::improve(Clusters& clusters) {
  for (int round = 0; round < kMostRounds; ++round) {
    const bool merged = merge_clusters(clusters);
    const bool moved = move_centres(clusters);
    const bool reassigned = reassign(clusters);
    if (!merged && !moved && !reassigned) return;
  }
}

void GroupPlan::find_bases(const Clusters& clusters) {
  bases_ = {};
  base_numbers_.clear();
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    if (!clusters.has_children(i) || members_[i].sketch.empty()) continue;
    base_numbers_.push_back(i);
    bases_.add(signature_of(i));
  }
}

// Each layer takes the best of the bases near to it.
bool GroupPlan::reassign(Clusters& clusters) {
  find_bases(clusters);
  bool changed = false;
  std::vector<std::uint32_t> nearest;
  for (std::uint32_t i = 0; i < members_.size() && bases_.size() != 0; ++i) {
    if (members_[i].sketch.empty() || clusters.has_children(i)) continue;
    Link best{i, clusters.base(i), clusters.bits(i)};
    if (clusters.base(i) != Clusters::kNone) best.bits -= about(best.bits);
    bases_.nearest(signature_of(i), kNearest, nearest);
    for (const auto found : nearest) {
      const std::uint32_t base = base_numbers_[found];
      if (base == clusters.base(i) || !clusters.has_children(base)) continue;
      const Bits bits = bits_on(i, members_[base]);
      if (bits < best.bits) best = {i, base, bits};
    }
    if (best.base == clusters.base(i)) continue;
    clusters.attach(best);
    changed = true;
  }
  return changed;
}

// A base need not be one where its children do nearly as well on another. Small clusters go first, so that those that
// take them in are large, and those are not asked again.
bool GroupPlan::merge_clusters(Clusters& clusters) {
  find_bases(clusters);
  const Children children(clusters, members_.size());
  std::vector<std::uint32_t> by_size(bases_.size());
  std::iota(by_size.begin(), by_size.end(), 0);
  const auto n_children = [&](std::uint32_t b) { return children.of(base_numbers_[b]).size(); };
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return n_children(a) < n_children(b); });
  std::vector<bool> kept(members_.size(), false);
  std::vector<std::uint32_t> nearest;
  bool changed = false;
  for (const auto b : by_size) {
    const std::uint32_t base = base_numbers_[b];
    if (kept[base]) continue;
    bases_.nearest(bases_.signature(b), kNearest, nearest);
    std::erase_if(nearest,
                  [&](std::uint32_t other) { return other == b || !clusters.has_children(base_numbers_[other]); });
    for (auto& other : nearest) other = base_numbers_[other];
    const std::uint32_t target = merge(clusters, base, children.of(base), nearest);
    if (target == Clusters::kNone) continue;
    kept[target] = true;
    changed = true;
  }
  return changed;
}

std::uint32_t GroupPlan::merge(Clusters& clusters, std::uint32_t base, std::span<const std::uint32_t> children,
                               std::span<const std::uint32_t> others) {
  std::vector<std::uint32_t> members(children.begin(), children.end());
  members.push_back(base);
  const auto trial = some_of(members, kMembersOfTrial);
  std::uint32_t target = Clusters::kNone;
  std::uint64_t least = ~std::uint64_t{0};
  for (const auto other : others) {
    const std::uint64_t total = total_on(clusters, other, trial);
    if (total < least) std::tie(target, least) = std::pair(other, total);
  }
  if (target == Clusters::kNone) return target;
  // Children are here because their samples said so, by chance also where another base is as good.
  std::uint64_t now = 0;
  for (const auto member : members) {
    const Bits bits = clusters.bits(member);
    now += clusters.total(member, bits + about(bits));
  }
  if (total_on(clusters, target, members) >= now) return Clusters::kNone;
  move_to(clusters, target, members);
  return target;
}

void GroupPlan::move_to(Clusters& clusters, std::uint32_t base, std::span<const std::uint32_t> members) {
  for (const auto member : members) clusters.detach(member);
  for (const auto member : members) {
    if (member == base) continue;
    const Bits bits = bits_on(member, members_[base]);
    if (bits < newcomers_[member].on_known) clusters.attach({member, base, bits});
  }
}

bool GroupPlan::move_centres(Clusters& clusters) {
  const Children children(clusters, members_.size());
  bool changed = false;
  for (std::uint32_t base = 0; base < members_.size(); ++base)
    if (!children.of(base).empty()) changed = move_centre(clusters, base, children.of(base)) || changed;
  return changed;
}

// Of members that do about as well as centres, one that lineage names is taken, then the first in the corpus: so that
// the layers of a model rest on those of one other, and not on what the samples of each happen to be.
bool GroupPlan::move_centre(Clusters& clusters, std::uint32_t base, std::span<const std::uint32_t> children) {
  std::vector<std::uint32_t> members(children.begin(), children.end());
  members.push_back(base);
  const auto unseen = [&](std::uint32_t member) { return members_[member].sketch.empty(); };
  if (std::any_of(members.begin(), members.end(), unseen)) return false;
  const auto total_with = [&](std::uint32_t centre, std::span<const std::uint32_t> of) {
    return total_on(clusters, centre, of) + clusters.total(centre, newcomers_[centre].alone);
  };
  const Bits smallest = clusters.bits(*std::min_element(
      children.begin(), children.end(), [&](auto a, auto b) { return clusters.bits(a) < clusters.bits(b); }));
  const std::uint64_t tie = clusters.total(base, about(smallest));

  const auto trial = some_of(members, kMembersOfTrial);
  const auto centres = possible_centres(base, members);
  std::vector<std::uint64_t> totals;
  for (const auto centre : centres) totals.push_back(total_with(centre, trial));
  const std::uint64_t least = *std::min_element(totals.begin(), totals.end());
  std::size_t best = 0;
  while (totals[best] > least + tie) ++best;
  if (centres[best] == base) return false;
  const bool preferred =
      std::find(centres.begin(), centres.end(), base) - centres.begin() > static_cast<std::ptrdiff_t>(best);
  const std::uint64_t with_best = total_with(centres[best], members);
  const std::uint64_t with_base = total_with(base, members);
  if (preferred ? with_best > with_base + tie : with_best + tie >= with_base) return false;
  move_to(clusters, centres[best], members);
  return true;
}

std::vector<std::uint32_t> GroupPlan::possible_centres(std::uint32_t base, std::span<const std::uint32_t> members) {
  std::vector<std::uint32_t> named;
  for (const auto member : members)
    for (const auto hinted : newcomers_[member].hinted)
      if (hinted != Clusters::kNone) named.push_back(hinted);
  std::sort(named.begin(), named.end());
  std::vector<std::uint32_t> centres = nearest_to_median(base, members);
  centres.push_back(base);
  centres.push_back(*std::min_element(members.begin(), members.end()));
  for (const auto member : members)
    if (centres.size() < kMostCentres && std::binary_search(named.begin(), named.end(), member))
      centres.push_back(member);
  const auto rank = [&](std::uint32_t member) {
    return std::pair(!std::binary_search(named.begin(), named.end(), member), member);
  };
  std::sort(centres.begin(), centres.end(), [&](auto a, auto b) { return rank(a) < rank(b); });
  centres.erase(std::unique(centres.begin(), centres.end()), centres.end());
  return centres;
}

std::uint64_t GroupPlan::total_on(const Clusters& clusters, std::uint32_t centre,
                                  std::span<const std::uint32_t> members) {
  std::uint64_t total = 0;
  for (const auto member : members)
    if (member != centre)
      total += clusters.total(member, std::min(bits_on(member, members_[centre]), newcomers_[member].on_known));
  return total;
}

std::vector<std::uint32_t> GroupPlan::nearest_to_median(std::uint32_t base, std::span<const std::uint32_t> members) {
  if (members.size() <= kSmallCluster) return {members.begin(), members.end()};
  const Words words = newcomers_[base].words;
  Samples median = caches_.base.get(members_[base], words);
  const auto alike = [&](std::uint32_t member) {
    return newcomers_[member].words == words && members_[member].layer.size_bytes == members_[base].layer.size_bytes;
  };
  std::vector<std::uint32_t> same;
  std::copy_if(members.begin(), members.end(), std::back_inserter(same), alike);
  take_median(some_of(same, kMembersOfMedian), median);

  std::vector<std::pair<Bits, std::uint32_t>> apart;
  for (const auto member : same)
    apart.emplace_back(predict_delta(caches_.own.get(members_[member], words), median, newcomers_[member].alone),
                       member);
  const auto end = apart.begin() + static_cast<std::ptrdiff_t>(std::min(kCentresTried, apart.size()));
  std::partial_sort(apart.begin(), end, apart.end());
  std::vector<std::uint32_t> nearest;
  for (auto at = apart.begin(); at != end; ++at) nearest.push_back(at->second);
  return nearest;
}

void GroupPlan::take_median(std::span<const std::uint32_t> members, Samples& median) {
  std::vector<std::uint32_t> rows;
  for (const auto member : members) {
    const Samples& samples = caches_.own.get(members_[member], median.words);
    rows.insert(rows.end(), samples.values.begin(), samples.values.begin() + median.n);
    median.used_bits |= samples.used_bits;
  }
  // ELF integers are in order when their sign is turned over.
  const std::uint32_t turn = median.words == Words::Elf ? 0x8000'0000u : 0;
  std::vector<std::uint32_t> column(members.size());
  for (std::size_t i = 0; i < median.n; ++i) {
    for (std::size_t m = 0; m < column.size(); ++m) column[m] = rows[m * median.n + i] ^ turn;
    const auto middle = column.begin() + static_cast<std::ptrdiff_t>(column.size() / 2);
    std::nth_element(column.begin(), middle, column.end());
    median.values[i] = *middle ^ turn;
  }
}

std::vector<GroupChoice> GroupPlan::choices(const Clusters& clusters) const {
  std::vector<GroupChoice> result(members_.size());
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    const Newcomer& newcomer = newcomers_[i];
    GroupChoice& choice = result[i];
    choice.alone = newcomer.alone;
    choice.delta = clusters.bits(i);
    choice.seen = !members_[i].sketch.empty();
    if (clusters.has_children(i)) continue;
    if (clusters.base(i) != Clusters::kNone) {
      choice.newcomer = clusters.base(i);
      choice.by_lineage = is_one_of(newcomer.hinted, choice.newcomer);
      choice.seen = seen(members_[i], members_[choice.newcomer]);
    } else if (newcomer.known != KnownLayers::kNone) {
      choice.known = newcomer.known;
      choice.by_lineage = is_one_of(newcomer.hinted_known, choice.known);
      choice.seen = seen(members_[i], known_[choice.known]);
    }
  }
  return result;
}

// Where the layer that lineage names has a base itself, that is the base of both: unless samples tell better.
void GroupPlan::follow_hints_to_bases(const Clusters& clusters, std::vector<GroupChoice>& choices) const {
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    GroupChoice& choice = choices[i];
    for (const auto hinted : newcomers_[i].hinted) {
      if (hinted == Clusters::kNone || clusters.has_children(i)) continue;
      if (choice.newcomer != Clusters::kNone || choice.known != KnownLayers::kNone) continue;
      const std::uint32_t newcomer = clusters.base(hinted);
      const std::uint32_t known = clusters.has_children(hinted) ? KnownLayers::kNone : newcomers_[hinted].known;
      const auto fits = [&](const FamilyMember& base) { return usable(members_[i], base) && !seen(members_[i], base); };
      if (newcomer != Clusters::kNone && newcomer != i && fits(members_[newcomer]))
        choice.newcomer = newcomer;
      else if (newcomer == Clusters::kNone && known != KnownLayers::kNone && fits(known_[known]))
        choice.known = known;
      else
        continue;
      choice.by_lineage = true;
      choice.seen = false;
    }
  }
}

}  // namespace elves::families
