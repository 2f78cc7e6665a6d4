#include "dedup/exchange.hpp"

#include <unordered_map>

#include "support/assert.hpp"

namespace elves::dedup {
namespace {

struct KeyMessage {
  Hash128 fingerprint;
  std::uint64_t size_bytes;
  std::uint32_t dtype;
  std::uint32_t lossless;
};

struct PlaceMessage {
  Hash128 decoded;
  std::uint64_t row;
  std::uint32_t shard;
  std::uint32_t lossy_class;
  std::uint32_t novelty;
  std::uint32_t lossless;
};

KeyMessage to_message(const LayerKey& key, bool lossless) {
  return {key.fingerprint, key.size_bytes, static_cast<std::uint32_t>(key.dtype), lossless ? 1u : 0u};
}
LayerKey to_key(const KeyMessage& m) {
  return {m.fingerprint, m.size_bytes, static_cast<DType>(m.dtype)};
}

PlaceMessage to_message(const StoredLayer& layer, Novelty novelty) {
  return {layer.decoded, layer.place.row, layer.place.shard, layer.lossy_class, static_cast<std::uint32_t>(novelty), 0};
}
StoredLayer to_layer(const PlaceMessage& m) {
  return {{m.shard, m.row}, m.decoded, m.lossy_class};
}

struct MessageHash {
  std::size_t operator()(const LayerKey& key) const noexcept { return key.fingerprint.high ^ key.size_bytes; }
};

/// Sends the keys that `wanted` takes to their owners; `senders[r]` lists the positions of the keys sent to r.
template <class Wanted>
mpi::PerRank<KeyMessage> send_keys(const mpi::Comm& comm, std::span<const LayerKey> keys,
                                   std::span<const std::uint8_t> lossless, Wanted wanted,
                                   mpi::PerRank<std::size_t>& senders) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  mpi::PerRank<KeyMessage> to(ranks);
  senders.assign(ranks, {});
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!wanted(i)) continue;
    const auto owner = static_cast<std::size_t>(LayerTable::owner(keys[i], comm.size()));
    to[owner].push_back(to_message(keys[i], !lossless.empty() && lossless[i] != 0));
    senders[owner].push_back(i);
  }
  return comm.alltoallv(to);
}

}  // namespace

std::vector<Verdict> deduplicate(const mpi::Comm& comm, const LayerTable& table, std::span<const LayerKey> local,
                                 std::span<const std::uint8_t> lossless, std::uint32_t allowed_lossy_class) {
  ELVES_ASSERT(lossless.empty() || lossless.size() == local.size());
  mpi::PerRank<std::size_t> senders;
  const auto asked = send_keys(
      comm, local, lossless, [](std::size_t) { return true; }, senders);

  // Ranks hold contiguous parts of the corpus, so taking senders in order of rank is corpus order.
  struct Place {
    std::size_t rank, at;
  };
  std::unordered_map<LayerKey, Place, MessageHash> firsts;
  mpi::PerRank<PlaceMessage> answers(asked.size());
  for (std::size_t r = 0; r < asked.size(); ++r) {
    for (const auto& message : asked[r]) {
      const auto key = to_key(message);
      if (const auto* known = table.find(key, message.lossless != 0 ? 0 : allowed_lossy_class)) {
        answers[r].push_back(to_message(*known, Novelty::Known));
        continue;
      }
      const auto [first, is_new] = firsts.try_emplace(key, Place{r, answers[r].size()});
      answers[r].push_back(to_message(StoredLayer{}, is_new ? Novelty::New : Novelty::Repeated));
      answers[first->second.rank][first->second.at].lossless |= message.lossless;
    }
  }

  const auto told = comm.alltoallv(answers);
  std::vector<Verdict> verdicts(local.size());
  for (std::size_t r = 0; r < told.size(); ++r) {
    ELVES_ASSERT(told[r].size() == senders[r].size());
    for (std::size_t i = 0; i < told[r].size(); ++i)
      verdicts[senders[r][i]] = {static_cast<Novelty>(told[r][i].novelty), told[r][i].lossless != 0,
                                 to_layer(told[r][i])};
  }
  return verdicts;
}

void settle(const mpi::Comm& comm, LayerTable& table, std::span<const LayerKey> local,
            std::span<const Verdict> verdicts, std::span<StoredLayer> layers) {
  ELVES_ASSERT(local.size() == verdicts.size() && local.size() == layers.size());
  const auto is = [&](Novelty novelty) {
    return [&, novelty](std::size_t i) { return verdicts[i].novelty == novelty; };
  };

  mpi::PerRank<std::size_t> senders;
  const auto new_keys = send_keys(comm, local, {}, is(Novelty::New), senders);
  mpi::PerRank<PlaceMessage> places(senders.size());
  for (std::size_t r = 0; r < senders.size(); ++r) {
    for (const auto i : senders[r]) places[r].push_back(to_message(layers[i], Novelty::New));
  }
  const auto new_places = comm.alltoallv(places);
  for (std::size_t r = 0; r < new_keys.size(); ++r) {
    for (std::size_t i = 0; i < new_keys[r].size(); ++i)
      table.insert(to_key(new_keys[r][i]), to_layer(new_places[r][i]));
  }

  const auto asked = send_keys(comm, local, {}, is(Novelty::Repeated), senders);
  mpi::PerRank<PlaceMessage> answers(asked.size());
  for (std::size_t r = 0; r < asked.size(); ++r) {
    for (const auto& message : asked[r]) {
      const auto* found = table.latest(to_key(message));  // inserted above: some rank's equal key was New
      ELVES_ASSERT(found != nullptr);
      answers[r].push_back(to_message(*found, Novelty::Known));
    }
  }
  const auto told = comm.alltoallv(answers);
  for (std::size_t r = 0; r < told.size(); ++r) {
    for (std::size_t i = 0; i < told[r].size(); ++i) layers[senders[r][i]] = to_layer(told[r][i]);
  }
}

}  // namespace elves::dedup
