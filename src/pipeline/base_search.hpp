#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "archive/catalog.hpp"
#include "dedup/layer_table.hpp"
#include "families/planner.hpp"
#include "mpi/comm.hpp"
#include "pipeline/buffers.hpp"
#include "pipeline/wave_exchange.hpp"
#include "plan/plan.hpp"

/// Finds bases for the layers that a wave stores for the first time (docs/design/families.md). Each group of layers of
/// equal dtype and shape has one owner rank, which chooses the bases of the group.
namespace elves::pipeline {

/// A unit of this rank's plan that is stored for the first time. If it gets no base, later layers of this sweep may be
/// stored as deltas of it.
struct NewLayer {
  std::size_t unit = 0;  ///< of Plan::units
  LayerRef place;
  std::vector<Hash128> digests;  ///< of its chunks
  LossId loss;                   ///< of the stored layer; before it is encoded: what encoding may lose
};

/// The reply for one NewLayer.
struct BaseSearchResult {
  std::optional<families::BaseChoice> base;  ///< by_lineage: lineage names the model of the base
  std::vector<std::byte> sketch;             ///< empty: the layer has none
};

class BaseSearch {
 public:
  /// The models that lineage names as bases of a model (hashes of their ids); zero: none.
  using Hints = std::function<std::array<Hash128, 2>(const Hash128& model)>;

  BaseSearch(const mpi::Comm& comm, Hints hints) : comm_(comm), hints_(std::move(hints)) {}

  /// Collective. Adds layers of earlier sweeps that can be bases, any part of them on any rank. Two exchanges.
  void add_known(std::span<const archive::KnownBase> bases);

  /// Collective. Chooses bases for the new layers of a wave, in the order of `new_layers`, and sends the locations of
  /// the bases to the workers of the deltas: fills AssignedWave::bases and AssignedChunk::base. `raw`: the bytes of
  /// this rank's assigned chunks. 14 exchanges: a sketch (2 KiB at most) and 300 bytes a layer, about 100 bytes and 16
  /// a chunk for each base found. The choice depends on the corpus and the waves only.
  std::vector<BaseSearchResult> choose(const plan::Plan& plan, const PlannedWave& planned,
                                       std::vector<NewLayer> new_layers, const Buffer& raw, AssignedWave& assigned);

  /// Not collective. After encoding: what the stored layer of a unit has lost. No effect for units with a base.
  void set_loss(std::size_t unit, LossId loss);

 private:
  struct Candidate;

  std::vector<Candidate> candidates_of(const plan::Plan& plan, std::span<const NewLayer> new_layers) const;
  void sketch(const plan::Plan& plan, const PlannedWave& planned, std::span<Candidate> candidates, const Buffer& raw,
              const AssignedWave& assigned) const;
  void query_bases(std::span<Candidate* const> candidates);
  void follow_models(std::span<Candidate> candidates);
  std::vector<BaseLocation> locate(const plan::Plan& plan, std::span<const Candidate> candidates) const;
  void send_locations(const PlannedWave& planned, std::span<const Candidate> candidates,
                      std::span<const BaseLocation> locations, AssignedWave& assigned) const;

  const mpi::Comm& comm_;
  Hints hints_;
  families::FamilyPlanner planner_;
  std::map<std::size_t, NewLayer> bases_;                      ///< layers of this sweep without a base, by unit
  std::map<Hash128, std::map<Hash128, std::uint64_t>> votes_;  ///< bytes of deltas by model and model of the base
};

/// The group of a layer: only layers of one group can be deltas of each other. They have in common the dtype, all
/// dimensions but the first (which may grow), and the part; scalars and vectors also their length.
Hash128 group_of(DType dtype, std::span<const std::uint64_t> shape, std::uint32_t part);

}  // namespace elves::pipeline
