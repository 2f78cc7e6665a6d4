#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lineage/lineage_source.hpp"
#include "lineage/model_directory.hpp"
#include "mpi/comm.hpp"
#include "support/hash.hpp"

namespace elves::lineage {

/// Number of tiers: generations of models in this sweep. A model without a base in this sweep is in tier 0, others one
/// above the highest of their bases, up to kTiers - 1. Claims in a cycle put their models into the last tier.
inline constexpr std::uint8_t kTiers = 4;

/// "`model` was made from `base`", with models by the hashes of their ids: 48 bytes.
struct LineageClaim {
  Hash128 model;
  Hash128 base;                ///< zero: its name means no model
  std::uint32_t position = 0;  ///< among the claims of its file
  BaseSource source{};
  std::uint8_t base_is_known = 0;  ///< the corpus or the archive has the base
  std::uint8_t base_is_in_sweep = 0;
  std::uint8_t reserved[9]{};
};

/// What became of a claim.
enum class ClaimResult : std::uint8_t {
  Hint,       ///< taken; or another claim says the same, or the model has two better ones
  Absent,     ///< as Hint, but neither the corpus nor the archive has the base
  NoModel,    ///< ignored: the name of the base means no model
  Self,       ///< ignored: the model itself
  Overruled,  ///< ignored: --bases names other bases of this model
};

/// The bases that models of this sweep name, as hints for the choice of bases, which is made by content.
class Lineage {
 public:
  bool empty() const noexcept { return rows_.empty(); }

  /// At most two, the likelier first; zero: none.
  std::array<Hash128, 2> bases_of(const Hash128& model) const noexcept;

  /// 0 to kTiers - 1.
  std::uint8_t tier_of(const Hash128& model) const noexcept;

 private:
  friend struct ResolvedLineage resolve_lineage(std::span<const LineageClaim> claims);

  struct Row {
    Hash128 model;
    std::array<Hash128, 2> bases{};
    std::array<bool, 2> is_in_sweep{};  ///< the base is
    std::uint8_t tier = 0;
  };
  const Row* row_of(const Hash128& model) const noexcept;
  void raise_tiers();

  std::vector<Row> rows_;  ///< by model
};

struct ResolvedLineage {
  Lineage lineage;
  std::vector<ClaimResult> results;  ///< one for each claim
};

/// Not collective. Makes hints of the claims of all ranks. The order of the claims does not matter. N log N.
ResolvedLineage resolve_lineage(std::span<const LineageClaim> claims);

/// What a file of this rank, or --bases, says about a model of this sweep.
struct NamedClaim {
  std::string model;
  std::string base;  ///< as written there
  BaseSource source{};
  std::uint32_t position = 0;
};

/// A line of the report about a model.
struct ModelNote {
  std::string model;
  std::string text;
  auto operator<=>(const ModelNote&) const = default;
};

struct FoundLineage {
  Lineage lineage;               ///< the same on all ranks
  std::vector<ModelNote> notes;  ///< on claims of this rank that the user can correct by --bases
};

/// Collective. Finds the models that the claims of all ranks name, and makes hints of them. Every rank receives all
/// claims, 48 bytes each (5 MB for 10^5 models), and holds 56 bytes for each model that has a base. Without any claim:
/// one reduction.
FoundLineage find_lineage(const mpi::Comm& comm, const ModelDirectory& models, std::span<const NamedClaim> mine);

}  // namespace elves::lineage
