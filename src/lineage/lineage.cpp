#include "lineage/lineage.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <tuple>

#include "lineage/cycles.hpp"
#include "lineage/model_reference.hpp"
#include "support/text.hpp"

namespace elves::lineage {
namespace {

constexpr Hash128 kNone{};

/// The claims of one model: a range of the claims in order.
struct Claimant {
  Hash128 model;
  std::size_t first = 0;
  std::size_t last = 0;
};

/// Claims in the order in which they are heard: known bases first, then by who says it.
std::vector<std::size_t> in_order(std::span<const LineageClaim> claims) {
  std::vector<std::size_t> order(claims.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto key = [&](std::size_t i) {
    const auto& claim = claims[i];
    return std::tuple(claim.model, claim.base_is_known == 0, claim.source, claim.place, claim.base);
  };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  return order;
}

std::vector<Claimant> claimants_of(std::span<const LineageClaim> claims, std::span<const std::size_t> order) {
  std::vector<Claimant> claimants;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto& model = claims[order[i]].model;
    if (claimants.empty() || claimants.back().model != model) claimants.push_back({model, i, i});
    claimants.back().last = i + 1;
  }
  return claimants;
}

/// What a claim comes to when nothing is known of other models.
ClaimFate fate_alone(const LineageClaim& claim, bool has_list) {
  if (has_list && claim.source != lineage::BaseSource::List) return ClaimFate::Overruled;
  if (claim.base == kNone) return ClaimFate::NoModel;
  if (claim.base == claim.model) return ClaimFate::Self;
  return claim.base_is_known != 0 ? ClaimFate::Base : ClaimFate::Absent;
}

std::optional<std::size_t> index_of(std::span<const Claimant> claimants, const Hash128& model) {
  const auto at = std::lower_bound(claimants.begin(), claimants.end(), model,
                                   [](const Claimant& claimant, const Hash128& m) { return claimant.model < m; });
  if (at == claimants.end() || at->model != model) return std::nullopt;
  return static_cast<std::size_t>(at - claimants.begin());
}

/// The claims of the ranks one after the other, and where this rank's begin.
struct AllClaims {
  std::vector<LineageClaim> claims;
  std::size_t mine = 0;
};

AllClaims share_claims(const mpi::Comm& comm, const std::vector<LineageClaim>& mine) {
  AllClaims all;
  const auto from = comm.alltoallv(mpi::PerRank<LineageClaim>(static_cast<std::size_t>(comm.size()), mine));
  for (std::size_t r = 0; r < from.size(); ++r) {
    if (r == static_cast<std::size_t>(comm.rank())) all.mine = all.claims.size();
    all.claims.insert(all.claims.end(), from[r].begin(), from[r].end());
  }
  return all;
}

struct Meaning {
  LineageClaim claim;
  bool is_ambiguous = false;
};

/// Collective. Which models the names mean.
std::vector<Meaning> find_bases(const ModelDirectory& models, std::span<const NamedClaim> named) {
  std::vector<ModelReference> names;
  std::vector<Hash128> ids;
  std::vector<Hash128> lasts;
  for (const auto& claim : named) {
    names.push_back(read_model_reference(claim.base));
    ids.push_back(hash_of_model(names.back().id));
    lasts.push_back(hash128(names.back().last));
  }
  const auto by_id = models.find_by_id(ids);
  const auto by_last = models.find_by_last(lasts);
  std::vector<Meaning> meanings;
  for (std::size_t i = 0; i < named.size(); ++i) {
    const bool asks_id = !names[i].id.empty();
    const bool asks_last = !names[i].last.empty();
    const auto& found = asks_id && by_id[i].found() ? by_id[i] : asks_last ? by_last[i] : KnownModel{};
    Meaning meaning;
    meaning.claim.model = hash_of_model(named[i].model);
    meaning.claim.base = found.found() ? found.id : asks_id && !names[i].is_path ? ids[i] : kNone;
    meaning.claim.place = named[i].place;
    meaning.claim.source = named[i].source;
    meaning.claim.base_is_known = found.found() ? 1 : 0;
    meaning.claim.base_is_in_sweep = found.in_sweep;
    meaning.is_ambiguous = found.is_ambiguous != 0;
    meanings.push_back(meaning);
  }
  return meanings;
}

std::optional<std::string> note_on(ClaimFate fate, const std::string& base, bool is_ambiguous) {
  const auto name = "its base '" + printable(base) + "' ";
  if (is_ambiguous && (fate == ClaimFate::Absent || fate == ClaimFate::NoModel))
    return name + "may be any of several models: say which by --bases";
  switch (fate) {
    case ClaimFate::Absent:
      return name + "is neither in the corpus nor in the archive";
    case ClaimFate::NoModel:
      return name + "is no model of the corpus";
    case ClaimFate::Self:
      return name + "is the model itself: ignored";
    case ClaimFate::Cycle:
      return name + "rests on it in turn: ignored";
    case ClaimFate::Base:
    case ClaimFate::Overruled:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

const Lineage::Row* Lineage::row_of(const Hash128& model) const noexcept {
  const auto at = std::lower_bound(rows_.begin(), rows_.end(), model,
                                   [](const Row& row, const Hash128& m) { return row.model < m; });
  return at == rows_.end() || at->model != model ? nullptr : &*at;
}

std::array<Hash128, 2> Lineage::bases_of(const Hash128& model) const noexcept {
  const auto* row = row_of(model);
  return row == nullptr ? std::array<Hash128, 2>{} : row->bases;
}

std::uint8_t Lineage::tier_of(const Hash128& model) const noexcept {
  const auto* row = row_of(model);
  return row == nullptr ? 0 : row->tier;
}

ResolvedLineage resolve_lineage(std::span<const LineageClaim> claims) {
  const auto order = in_order(claims);
  const auto claimants = claimants_of(claims, order);
  ResolvedLineage resolved;
  auto& fates = resolved.fates;
  fates.resize(claims.size());
  std::vector<std::vector<std::size_t>> bases(claimants.size());  // those that are claimants too
  for (std::size_t m = 0; m < claimants.size(); ++m) {
    const std::span mine(order.begin() + claimants[m].first, order.begin() + claimants[m].last);
    const bool has_list = std::any_of(mine.begin(), mine.end(),
                                      [&](std::size_t c) { return claims[c].source == lineage::BaseSource::List; });
    for (const auto c : mine) {
      fates[c] = fate_alone(claims[c], has_list);
      if (fates[c] != ClaimFate::Base || claims[c].base_is_in_sweep == 0) continue;
      if (const auto base = index_of(claimants, claims[c].base)) bases[m].push_back(*base);
    }
  }

  const auto groups = find_cycles(bases);
  const auto is_cycle = [&](std::size_t m, const LineageClaim& claim) {
    const auto base = index_of(claimants, claim.base);
    return base && groups.group[m] == groups.group[*base];
  };
  std::vector<Lineage::Row> rows(claimants.size());
  for (const auto m : groups.order) {  // a base before what rests on it
    auto& row = rows[m];
    row.model = claimants[m].model;
    std::size_t n_bases = 0;
    for (auto i = claimants[m].first; i < claimants[m].last; ++i) {
      const auto& claim = claims[order[i]];
      auto& fate = fates[order[i]];
      if (fate == ClaimFate::Base && is_cycle(m, claim)) fate = ClaimFate::Cycle;
      const bool is_hint = fate == ClaimFate::Base || fate == ClaimFate::Absent;
      if (!is_hint || n_bases == row.bases.size() || (n_bases > 0 && row.bases[0] == claim.base)) continue;
      row.bases[n_bases++] = claim.base;
      if (claim.base_is_in_sweep == 0) continue;
      const auto base = index_of(claimants, claim.base);
      const auto tier = 1 + (base ? rows[*base].tier : 0);
      row.tier = static_cast<std::uint8_t>(std::max<int>(row.tier, std::min<int>(tier, kTiers - 1)));
    }
  }
  std::erase_if(rows, [](const Lineage::Row& row) { return row.bases[0] == kNone; });
  resolved.lineage.rows_ = std::move(rows);
  return resolved;
}

FoundLineage find_lineage(const mpi::Comm& comm, const ModelDirectory& models, std::span<const NamedClaim> mine) {
  if (!comm.any(!mine.empty())) return {};
  const auto meanings = find_bases(models, mine);
  std::vector<LineageClaim> claims;
  for (const auto& meaning : meanings) claims.push_back(meaning.claim);
  const auto all = share_claims(comm, claims);
  auto resolved = resolve_lineage(all.claims);
  FoundLineage found{std::move(resolved.lineage), {}};
  for (std::size_t i = 0; i < mine.size(); ++i) {
    if (auto text = note_on(resolved.fates[all.mine + i], mine[i].base, meanings[i].is_ambiguous))
      found.notes.push_back({mine[i].model, *std::move(text)});
  }
  return found;
}

}  // namespace elves::lineage
