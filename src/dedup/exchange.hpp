#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dedup/layer_table.hpp"
#include "mpi/comm.hpp"

namespace elves::dedup {

enum class Novelty : std::uint8_t {
  New,      ///< first of its kind: to be encoded, and its place told to settle()
  Known,    ///< in the archive: `stored` says where
  Repeated  ///< equals a New layer of this same call: settle() tells where
};

struct Verdict {
  Novelty novelty = Novelty::New;
  bool lossless = false;  ///< of New: to be encoded without loss, for itself or for one of its repeats
  StoredLayer stored;  ///< set for Known
};

/// Collective. Tells for each layer of this wave whether it is the first of its kind in the archive.
/// `local`: keys of this rank, in corpus order; all keys of rank r come before those of rank r + 1 in corpus order.
/// Returns one verdict a key, same order. Among equal new keys the first in corpus order is New.
/// Two all-to-all exchanges: 40 bytes a key to its owner, 40 back. The verdicts, seen in corpus order, are the same for
/// every number of ranks. `allowed_lossy_class`: see LayerTable::find. `lossless`: by key, 1 where it may have no loss
/// at all. Throws Failure on all ranks together.
std::vector<Verdict> deduplicate(const mpi::Comm& comm, const LayerTable& table, std::span<const LayerKey> local,
                                 std::span<const std::uint8_t> lossless, std::uint32_t allowed_lossy_class);

/// Collective. After encoding: takes the places of the New layers into the table and tells those of the Repeated ones.
/// `layers`: one row a key of the same call of deduplicate(), set where the verdict is New or Known; on return set
/// everywhere. Two exchanges, of New keys (72 bytes) and Repeated keys (40 out, 40 back).
void settle(const mpi::Comm& comm, LayerTable& table, std::span<const LayerKey> local,
            std::span<const Verdict> verdicts, std::span<StoredLayer> layers);

}  // namespace elves::dedup
