#include "lineage/lineage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <tuple>

#include "lineage/model_reference.hpp"
#include "support/text.hpp"

namespace elves::lineage {
namespace {

constexpr Hash128 kNone{};

/// Claims by model, and for each model in the order in which they are considered: known bases first, then by source.
std::vector<std::size_t> in_order(std::span<const LineageClaim> claims) {
  std::vector<std::size_t> order(claims.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto key = [&](std::size_t i) {
    const auto& claim = claims[i];
    return std::tuple(claim.model, claim.base_is_known == 0, claim.source, claim.position, claim.base);
  };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  return order;
}

/// `has_list`: --bases names bases of the model.
ClaimResult result_of(const LineageClaim& claim, bool has_list) {
  if (has_list && claim.source != BaseSource::List) return ClaimResult::Overruled;
  if (claim.base == kNone) return ClaimResult::NoModel;
  if (claim.base == claim.model) return ClaimResult::Self;
  return claim.base_is_known != 0 ? ClaimResult::Hint : ClaimResult::Absent;
}

/// The claims of all ranks, and where those of this rank begin.
struct AllClaims {
  std::vector<LineageClaim> claims;
  std::size_t first_of_mine = 0;
};

AllClaims share_claims(const mpi::Comm& comm, const std::vector<LineageClaim>& mine) {
  AllClaims all;
  const auto from = comm.alltoallv(mpi::PerRank<LineageClaim>(static_cast<std::size_t>(comm.size()), mine));
  for (std::size_t r = 0; r < from.size(); ++r) {
    if (r == static_cast<std::size_t>(comm.rank())) all.first_of_mine = all.claims.size();
    all.claims.insert(all.claims.end(), from[r].begin(), from[r].end());
  }
  return all;
}

struct FoundClaim {
  LineageClaim claim;
  bool is_ambiguous = false;  ///< several models may be meant
};

/// Collective. Finds the models that the claims name.
std::vector<FoundClaim> find_bases(const ModelDirectory& models, std::span<const NamedClaim> named) {
  std::vector<ModelReference> references;
  std::vector<Hash128> ids;
  std::vector<Hash128> lasts;
  for (const auto& claim : named) {
    references.push_back(read_model_reference(claim.base));
    ids.push_back(hash_of_model(references.back().id));
    lasts.push_back(hash128(references.back().last));
  }
  const auto by_id = models.find_by_id(ids);
  const auto by_last = models.find_by_last(lasts);
  std::vector<FoundClaim> claims;
  for (std::size_t i = 0; i < named.size(); ++i) {
    const bool has_id = !references[i].id.empty();
    const bool has_last = !references[i].last.empty();
    const auto& found = has_id && by_id[i].found() ? by_id[i] : has_last ? by_last[i] : KnownModel{};
    auto& [claim, is_ambiguous] = claims.emplace_back();
    claim.model = hash_of_model(named[i].model);
    claim.base = found.found() ? found.id : has_id && !references[i].is_path ? ids[i] : kNone;
    claim.position = named[i].position;
    claim.source = named[i].source;
    claim.base_is_known = found.found() ? 1 : 0;
    claim.base_is_in_sweep = found.in_sweep;
    is_ambiguous = found.is_ambiguous != 0;
  }
  return claims;
}

/// Only what the user can correct: ambiguous names, and mistakes in --bases.
std::optional<std::string> note_on(ClaimResult result, const NamedClaim& claim, bool is_ambiguous) {
  if (result == ClaimResult::Hint || result == ClaimResult::Overruled) return std::nullopt;
  if (is_ambiguous && result != ClaimResult::Self)
    return fmt::format("its base '{}' may be any of several models: say which by --bases", printable(claim.base));
  if (claim.source != BaseSource::List) return std::nullopt;
  const auto* const what = result == ClaimResult::Self     ? "the model itself"
                           : result == ClaimResult::Absent ? "neither in the corpus nor in the archive"
                                                           : "no model of the corpus";
  return fmt::format("its base '{}' in --bases is {}", printable(claim.base), what);
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

/// After n rounds no model is below tier n that has n generations of bases in this sweep, whatever the order of rows.
void Lineage::raise_tiers() {
  for (std::uint8_t round = 1; round < kTiers; ++round) {
    for (auto& row : rows_) {
      for (std::size_t i = 0; i < row.bases.size(); ++i) {
        if (!row.is_in_sweep[i]) continue;
        const int above = std::min(tier_of(row.bases[i]) + 1, kTiers - 1);
        row.tier = std::max(row.tier, static_cast<std::uint8_t>(above));
      }
    }
  }
}

ResolvedLineage resolve_lineage(std::span<const LineageClaim> claims) {
  ResolvedLineage resolved;
  resolved.results.resize(claims.size());
  const auto order = in_order(claims);
  for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
    Lineage::Row row;
    row.model = claims[order[first]].model;
    bool has_list = false;
    for (; last < order.size() && claims[order[last]].model == row.model; ++last)
      has_list = has_list || claims[order[last]].source == BaseSource::List;
    std::size_t n_bases = 0;
    for (std::size_t i = first; i < last; ++i) {
      const auto& claim = claims[order[i]];
      const auto result = resolved.results[order[i]] = result_of(claim, has_list);
      const bool is_hint = result == ClaimResult::Hint || result == ClaimResult::Absent;
      if (!is_hint || n_bases == row.bases.size() || (n_bases > 0 && row.bases[0] == claim.base)) continue;
      row.bases[n_bases] = claim.base;
      row.is_in_sweep[n_bases++] = claim.base_is_in_sweep != 0;
    }
    if (n_bases > 0) resolved.lineage.rows_.push_back(row);
  }
  resolved.lineage.raise_tiers();
  return resolved;
}

FoundLineage find_lineage(const mpi::Comm& comm, const ModelDirectory& models, std::span<const NamedClaim> mine) {
  if (!comm.any(!mine.empty())) return {};
  const auto found_claims = find_bases(models, mine);
  std::vector<LineageClaim> claims;
  claims.reserve(found_claims.size());
  for (const auto& found : found_claims) claims.push_back(found.claim);
  const auto all = share_claims(comm, claims);
  auto resolved = resolve_lineage(all.claims);
  FoundLineage found{std::move(resolved.lineage), {}};
  for (std::size_t i = 0; i < mine.size(); ++i) {
    if (auto text = note_on(resolved.results[all.first_of_mine + i], mine[i], found_claims[i].is_ambiguous))
      found.notes.push_back({mine[i].model, *std::move(text)});
  }
  return found;
}

}  // namespace elves::lineage
