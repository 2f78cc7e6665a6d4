#include "dedup/exchange.hpp"

#include <unordered_map>

#include "support/assert.hpp"

namespace elves::dedup {
namespace {

struct KeyMessage {
  Hash128 fingerprint;
  std::uint64_t size_bytes;
  std::uint32_t dtype;
  LossId allowed;
};

struct PlaceMessage {
  Hash128 decoded;
  std::uint64_t row;
  std::uint32_t shard;
  LossId loss;
  std::uint32_t kind;
  LossId allowed;  ///< of First
};

KeyMessage to_message(const LayerKey& key, LossId allowed) {
  return {key.fingerprint, key.size_bytes, static_cast<std::uint32_t>(key.dtype), allowed};
}
LayerKey to_key(const KeyMessage& m) {
  return {m.fingerprint, m.size_bytes, static_cast<DType>(m.dtype)};
}

PlaceMessage to_message(const StoredLayer& layer, Dedup kind, LossId allowed = {}) {
  return {layer.decoded, layer.place.row, layer.place.shard, layer.loss, static_cast<std::uint32_t>(kind), allowed};
}
StoredLayer to_layer(const PlaceMessage& m) {
  return {{m.shard, m.row}, m.decoded, m.loss};
}

struct MessageHash {
  std::size_t operator()(const LayerKey& key) const noexcept { return key.fingerprint.high ^ key.size_bytes; }
};

/// Sends the keys that `wanted` takes to their owners; `senders[r]` lists the positions of the keys sent to r.
template <class Wanted>
mpi::PerRank<KeyMessage> send_keys(const mpi::Comm& comm, std::span<const LayerKey> keys,
                                   std::span<const LossId> allowed, Wanted wanted, mpi::PerRank<std::size_t>& senders) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  mpi::PerRank<KeyMessage> to(ranks);
  senders.assign(ranks, {});
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!wanted(i)) continue;
    const auto owner = static_cast<std::size_t>(LayerTable::owner(keys[i], comm.size()));
    to[owner].push_back(to_message(keys[i], allowed.empty() ? kExact : allowed[i]));
    senders[owner].push_back(i);
  }
  return comm.alltoallv(to);
}

}  // namespace

std::vector<DedupResult> deduplicate(const mpi::Comm& comm, const LayerTable& table, std::span<const LayerKey> local,
                                     std::span<const LossId> allowed) {
  ELVES_ASSERT(allowed.size() == local.size());
  mpi::PerRank<std::size_t> senders;
  const auto asked = send_keys(
      comm, local, allowed, [](std::size_t) { return true; }, senders);

  // Ranks hold contiguous parts of the corpus, so taking senders in order of rank is corpus order.
  struct Place {
    std::size_t rank, at;
  };
  std::unordered_map<LayerKey, Place, MessageHash> firsts;
  mpi::PerRank<PlaceMessage> answers(asked.size());
  for (std::size_t r = 0; r < asked.size(); ++r) {
    for (const auto& message : asked[r]) {
      const auto key = to_key(message);
      if (const auto* known = table.find(key, message.allowed)) {
        answers[r].push_back(to_message(*known, Dedup::Stored));
        continue;
      }
      const auto [first, is_new] = firsts.try_emplace(key, Place{r, answers[r].size()});
      answers[r].push_back(to_message(StoredLayer{}, is_new ? Dedup::First : Dedup::DuplicateInWave, message.allowed));
      if (message.allowed.is_exact()) answers[first->second.rank][first->second.at].allowed = kExact;
    }
  }

  const auto told = comm.alltoallv(answers);
  std::vector<DedupResult> results(local.size());
  for (std::size_t r = 0; r < told.size(); ++r) {
    ELVES_ASSERT(told[r].size() == senders[r].size());
    for (std::size_t i = 0; i < told[r].size(); ++i)
      results[senders[r][i]] = {static_cast<Dedup>(told[r][i].kind), told[r][i].allowed, to_layer(told[r][i])};
  }
  return results;
}

void settle(const mpi::Comm& comm, LayerTable& table, std::span<const LayerKey> local,
            std::span<const DedupResult> results, std::span<StoredLayer> layers) {
  ELVES_ASSERT(local.size() == results.size() && local.size() == layers.size());
  const auto is = [&](Dedup kind) { return [&, kind](std::size_t i) { return results[i].kind == kind; }; };

  mpi::PerRank<std::size_t> senders;
  const auto new_keys = send_keys(comm, local, {}, is(Dedup::First), senders);
  mpi::PerRank<PlaceMessage> places(senders.size());
  for (std::size_t r = 0; r < senders.size(); ++r) {
    for (const auto i : senders[r]) places[r].push_back(to_message(layers[i], Dedup::First));
  }
  const auto new_places = comm.alltoallv(places);
  for (std::size_t r = 0; r < new_keys.size(); ++r) {
    for (std::size_t i = 0; i < new_keys[r].size(); ++i)
      table.insert(to_key(new_keys[r][i]), to_layer(new_places[r][i]));
  }

  const auto asked = send_keys(comm, local, {}, is(Dedup::DuplicateInWave), senders);
  mpi::PerRank<PlaceMessage> answers(asked.size());
  for (std::size_t r = 0; r < asked.size(); ++r) {
    for (const auto& message : asked[r]) {
      const auto* found = table.latest(to_key(message));  // inserted above: some rank's equal key was New
      ELVES_ASSERT(found != nullptr);
      answers[r].push_back(to_message(*found, Dedup::Stored));
    }
  }
  const auto told = comm.alltoallv(answers);
  for (std::size_t r = 0; r < told.size(); ++r) {
    for (std::size_t i = 0; i < told[r].size(); ++i) layers[senders[r][i]] = to_layer(told[r][i]);
  }
}

}  // namespace elves::dedup
