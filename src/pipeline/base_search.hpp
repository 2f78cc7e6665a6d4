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

/// The exchange of families (docs/design/families.md): layers that are stored for the first time meet, by dtype and
/// shape, those that they may be stored as differences from.
namespace elves::pipeline {

/// A unit of this rank's plan that is stored for the first time, and so may be a base for those that come later in this
/// sweep.
struct NewLayer {
  std::size_t unit = 0;  ///< of Plan::units
  LayerRef place;
  std::vector<Hash128> digests;  ///< of its chunks
  LossId loss;                   ///< of the stored layer; before it is encoded: what encoding may lose
};

/// The layer that a unit may be stored as a difference from.
struct ChosenBase {
  LayerRef place;
  Hash128 model;  ///< that brought the base: hash128 of its identity
  bool by_lineage = false;
};

/// What was found for NewLayers, in their order.
struct BaseSearchResult {
  std::optional<ChosenBase> base;
  std::vector<std::byte> sketch;  ///< empty: none
};

class BaseSearch {
 public:
  /// The models that lineage names as bases of a model (hashes of their identities); zero: none.
  using Hints = std::function<std::array<Hash128, 2>(const Hash128& model)>;

  BaseSearch(const mpi::Comm& comm, Hints hints) : comm_(comm), hints_(std::move(hints)) {}

  /// Collective. Layers of earlier sweeps that can be bases, any share of them on any rank.
  void add_known(std::span<const archive::KnownBase> bases);

  /// Collective. Finds bases for the New units of a wave, and tells the workers where these lie: fills
  /// AssignedWave::bases and AssignedChunk::base. `raw`: the bytes of the work. Ten exchanges: a sketch (2 KiB at most)
  /// and 130 bytes a layer, some 100 bytes and 16 a chunk for each base that is found. What is found depends on the
  /// corpus and the waves only.
  std::vector<BaseSearchResult> choose(const plan::Plan& plan, const PlannedWave& planned, std::vector<NewLayer> news,
                                       const Buffer& raw, AssignedWave& assigned);

  /// Not collective. After encoding: what decoding a unit gives, where others may rest on it.
  void set_loss(std::size_t unit, LossId loss);

 private:
  struct Candidate;

  std::vector<Candidate> candidates_of(const plan::Plan& plan, std::span<const NewLayer> news) const;
  void sketch(const plan::Plan& plan, const PlannedWave& planned, std::span<Candidate> candidates, const Buffer& raw,
              const AssignedWave& assigned) const;
  void ask(std::span<Candidate* const> candidates);
  void follow_models(std::span<Candidate> candidates);
  std::vector<BaseLocation> locate(const plan::Plan& plan, std::span<const Candidate> candidates) const;
  void tell(const PlannedWave& planned, std::span<const Candidate> candidates, std::span<const BaseLocation> bases,
            AssignedWave& assigned) const;

  const mpi::Comm& comm_;
  Hints hints_;
  families::FamilyPlanner planner_;
  std::map<std::size_t, NewLayer> bases_;                      ///< those of this sweep that others may rest on, by unit
  std::map<Hash128, std::map<Hash128, std::uint64_t>> votes_;  ///< model, base model, bytes: of models owned here
};

/// What layers must have in common to be differences of each other: dtype, all dimensions but the first (which may
/// grow), and the part. Scalars and vectors: their length.
Hash128 group_of(DType dtype, std::span<const std::uint64_t> shape, std::uint32_t part);

}  // namespace elves::pipeline
