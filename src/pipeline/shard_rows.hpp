#pragma once

#include <cstdint>
#include <vector>

#include "archive/shard_writer.hpp"
#include "dedup/exchange.hpp"
#include "mpi/comm.hpp"
#include "pipeline/base_search.hpp"
#include "pipeline/report.hpp"
#include "pipeline/wave_exchange.hpp"
#include "plan/plan.hpp"

namespace elves::pipeline {

/// What is known of a unit once its wave is settled.
struct UnitState {
  Hash128 fingerprint;
  dedup::StoredLayer stored;
};

/// The units of a wave that take part in deduplication, with their keys and verdicts.
struct WaveDedup {
  std::vector<std::size_t> units;  ///< of Plan::units, ascending; those of failed files left out
  std::vector<dedup::LayerKey> keys;
  std::vector<LossId> allowed;  ///< by key: what the layer may lose
  std::vector<dedup::DedupResult> results;
  std::vector<LayerRef> places;          ///< where layers are, or will be: of New and Known
  std::vector<BaseSearchResult> family;  ///< of New: what may be its base
};

/// Rows for the New layers of this rank, in corpus order. `outcomes`: by unit of the wave. Fills
/// `stored` (one a key) for New and Known, to be handed to dedup::settle.
void add_layer_rows(const plan::Plan& plan, const WaveDedup& results,
                    const std::vector<std::vector<ChunkOutcome>>& outcomes, std::size_t first_unit_of_wave, LossId loss,
                    const KeyedHash& hash, archive::ShardPart& part, std::vector<dedup::StoredLayer>& stored,
                    Report& report);

/// Rows and payload of the chunks that this rank has encoded.
void add_chunk_rows(const AssignedWave& assigned, archive::ShardPart& part);

/// Collective. Rows of the files whose last unit lies in this wave, with their extents and models.
void add_file_rows(const mpi::Comm& comm, const plan::Plan& plan, std::uint64_t wave,
                   const std::vector<UnitState>& units, const std::vector<bool>& failed_files, const KeyedHash& hash,
                   archive::ShardPart& part, Report& report);

}  // namespace elves::pipeline
