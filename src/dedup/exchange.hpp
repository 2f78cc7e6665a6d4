#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dedup/layer_table.hpp"
#include "mpi/comm.hpp"

namespace elves::dedup {

enum class Dedup : std::uint8_t {
  First,            ///< first of its kind in corpus order: it will be encoded and stored
  DuplicateInWave,  ///< equals a First layer of the same call
  Stored            ///< the archive has it already
};

struct DedupResult {
  Dedup kind = Dedup::First;
  LossId allowed;      ///< of First: what its encoding may lose, for itself and for its duplicates
  StoredLayer stored;  ///< of Stored: where
};

/// Collective. Finds out for each layer of this wave whether it is the first of its kind in the archive.
/// `local`: keys of this rank, in corpus order; all keys of rank r come before those of rank r + 1 in corpus order.
/// `allowed`: by key, what the layer may lose: nothing (kExact), or the one loss of this sweep. A stored layer is used
/// if it is exact or lost what is allowed. If any of several equal layers of a wave must be exact, the First is exact.
/// Returns one result a key, same order. The results, seen in corpus order, are the same for every number of ranks.
/// Two all-to-all exchanges: 40 bytes a key to its owner, 48 back. Throws Failure on all ranks together.
std::vector<DedupResult> deduplicate(const mpi::Comm& comm, const LayerTable& table, std::span<const LayerKey> local,
                                     std::span<const LossId> allowed);

/// Collective. After encoding: enters the First layers into the table, and looks up the duplicates of this wave.
/// `layers`: one row a key of the same call of deduplicate(), set if the result is First or Stored; on return set for
/// all keys. Three exchanges: First layers (72 bytes each), DuplicateInWave keys (32 bytes), and the replies (40).
void settle(const mpi::Comm& comm, LayerTable& table, std::span<const LayerKey> local,
            std::span<const DedupResult> results, std::span<StoredLayer> layers);

}  // namespace elves::dedup
