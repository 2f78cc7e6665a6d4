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

/// What is known of a unit after its wave was encoded.
struct UnitState {
  Hash128 fingerprint;
  dedup::StoredLayer stored;
};

/// The units of a wave that take part in deduplication, and its results. All vectors but `units` are by unit here.
struct WaveDedup {
  std::vector<std::size_t> units;  ///< of Plan::units, ascending; without those of failed files
  std::vector<dedup::LayerKey> keys;
  std::vector<LossId> allowed;  ///< what the layer may lose
  std::vector<dedup::DedupResult> results;
  std::vector<LayerRef> places;         ///< of First and Stored: where the layer is or will be stored
  std::vector<BaseSearchResult> bases;  ///< of First
};

/// Adds the rows of the First layers of this rank, in corpus order. `outcomes`: by unit of the wave. `loss`: of this
/// sweep. Sets `stored` (by unit of `wave`) of First and Stored layers, as dedup::settle() needs it.
void add_layer_rows(const plan::Plan& plan, const WaveDedup& wave,
                    const std::vector<std::vector<ChunkOutcome>>& outcomes, std::size_t first_unit_of_wave, LossId loss,
                    const KeyedHash& hash, archive::ShardPart& part, std::vector<dedup::StoredLayer>& stored,
                    Report& report);

/// Adds the rows and the payload of the chunks that this rank has encoded.
void add_chunk_rows(const AssignedWave& assigned, archive::ShardPart& part);

/// Collective. Adds the rows of the files whose last unit lies in this wave, with their extents and models.
void add_file_rows(const mpi::Comm& comm, const plan::Plan& plan, std::uint64_t wave,
                   const std::vector<UnitState>& units, const std::vector<bool>& failed_files, const KeyedHash& hash,
                   archive::ShardPart& part, Report& report);

}  // namespace elves::pipeline
