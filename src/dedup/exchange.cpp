#include "dedup/exchange.hpp"

#include <unordered_map>

#include "mpi/query.hpp"
#include "support/assert.hpp"

namespace elves::dedup {
namespace {

struct Request {
  LayerKey key;
  LossId allowed;
};

/// A layer that was encoded in this wave, for the table of its owner.
struct Encoded {
  LayerKey key;
  StoredLayer layer;
};

/// The replies of one owner. Ranks hold contiguous parts of the corpus, so requests are in corpus order.
mpi::PerRank<DedupResult> find_firsts(const LayerTable& table, const mpi::PerRank<Request>& requests) {
  struct Place {
    std::size_t rank, at;
  };
  std::unordered_map<LayerKey, Place> firsts;
  mpi::PerRank<DedupResult> results(requests.size());
  for (std::size_t r = 0; r < requests.size(); ++r) {
    for (const auto& request : requests[r]) {
      if (const auto* stored = table.find(request.key, request.allowed)) {
        results[r].push_back({Dedup::Stored, {}, *stored});
        continue;
      }
      const auto [first, is_new] = firsts.try_emplace(request.key, Place{r, results[r].size()});
      results[r].push_back({is_new ? Dedup::First : Dedup::DuplicateInWave, request.allowed, {}});
      if (request.allowed.is_exact()) results[first->second.rank][first->second.at].allowed = kExact;
    }
  }
  return results;
}

}  // namespace

std::vector<DedupResult> deduplicate(const mpi::Comm& comm, const LayerTable& table, std::span<const LayerKey> local,
                                     std::span<const LossId> allowed) {
  ELVES_ASSERT(allowed.size() == local.size());
  std::vector<Request> requests;
  for (std::size_t i = 0; i < local.size(); ++i) requests.push_back({local[i], allowed[i]});
  const auto owner = [&](const Request& request) { return owner_of(request.key, comm); };
  return mpi::query_all(comm, requests, owner,
                        [&](const mpi::PerRank<Request>& received) { return find_firsts(table, received); });
}

void settle(const mpi::Comm& comm, LayerTable& table, std::span<const LayerKey> local,
            std::span<const DedupResult> results, std::span<StoredLayer> layers) {
  ELVES_ASSERT(local.size() == results.size() && local.size() == layers.size());
  std::vector<Encoded> firsts;
  std::vector<LayerKey> duplicates;
  std::vector<std::size_t> positions;  // of the duplicates
  for (std::size_t i = 0; i < local.size(); ++i) {
    if (results[i].kind == Dedup::First) firsts.push_back({local[i], layers[i]});
    if (results[i].kind != Dedup::DuplicateInWave) continue;
    duplicates.push_back(local[i]);
    positions.push_back(i);
  }
  const auto owner_of_encoded = [&](const Encoded& encoded) { return owner_of(encoded.key, comm); };
  for (const auto& from_rank : mpi::send_to_owners(comm, firsts, owner_of_encoded)) {
    for (const auto& encoded : from_rank) table.insert(encoded.key, encoded.layer);
  }
  const auto owner = [&](const LayerKey& key) { return owner_of(key, comm); };
  const auto stored = mpi::query(comm, duplicates, owner, [&](const LayerKey& key) {
    const auto* found = table.latest(key);  // inserted above: the First of this key
    ELVES_ASSERT(found != nullptr);
    return *found;
  });
  for (std::size_t i = 0; i < stored.size(); ++i) layers[positions[i]] = stored[i];
}

}  // namespace elves::dedup
