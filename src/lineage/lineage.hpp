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

/// Models that rest on others come after them: 0 for those that rest on none of this sweep, else one more than their
/// bases, up to 3.
inline constexpr std::uint8_t kTiers = 4;

/// "This model was made from that one": 48 bytes.
struct LineageClaim {
  Hash128 model;
  Hash128 base;             ///< zero: its name means no model
  std::uint32_t place = 0;  ///< among the claims of its file
  lineage::BaseSource source{};
  std::uint8_t base_is_known = 0;  ///< the corpus or the archive has it
  std::uint8_t base_is_in_sweep = 0;
  std::uint8_t reserved[9]{};
};

/// What became of a claim.
enum class ClaimFate : std::uint8_t {
  Base,       ///< taken; or one too many, or one of several that say the same
  Absent,     ///< taken as a hint, although neither the corpus nor the archive has the base
  NoModel,    ///< the name means no model
  Self,       ///< names the model itself
  Cycle,      ///< the base rests on the model in turn
  Overruled,  ///< --bases says otherwise
};

/// The bases that models of this sweep name: hints, for content decides. Models by the hash of their ids.
class Lineage {
 public:
  bool empty() const noexcept { return rows_.empty(); }

  /// At most two, the likelier first; zero where there is none.
  std::array<Hash128, 2> bases_of(const Hash128& model) const noexcept;

  /// 0 to kTiers - 1.
  std::uint8_t tier_of(const Hash128& model) const noexcept;

 private:
  friend struct ResolvedLineage resolve_lineage(std::span<const LineageClaim> claims);

  struct Row {
    Hash128 model;
    std::array<Hash128, 2> bases{};
    std::uint8_t tier = 0;
  };
  const Row* row_of(const Hash128& model) const noexcept;

  std::vector<Row> rows_;  ///< by model
};

struct ResolvedLineage {
  Lineage lineage;
  std::vector<ClaimFate> fates;  ///< one a claim
};

/// Not collective. Judges the claims of all ranks; does not depend on their order. N log N.
ResolvedLineage resolve_lineage(std::span<const LineageClaim> claims);

/// What a file of this rank, or --bases, says of a model of this sweep.
struct NamedClaim {
  std::string model;
  std::string base;  ///< as it is written there
  lineage::BaseSource source{};
  std::uint32_t place = 0;
};

/// A line of the report about a model.
struct ModelNote {
  std::string model;
  std::string text;
  auto operator<=>(const ModelNote&) const = default;
};

struct FoundLineage {
  Lineage lineage;               ///< the same on all ranks
  std::vector<ModelNote> notes;  ///< on this rank's claims
};

/// Collective. Finds the models that the claims of all ranks name, and judges them. Every rank gets all claims, 48
/// bytes each (5 MB for 10^5 models), and holds 56 bytes for each model that has a base. No claim on any rank: one
/// reduction and nothing else.
FoundLineage find_lineage(const mpi::Comm& comm, const ModelDirectory& models, std::span<const NamedClaim> mine);

}  // namespace elves::lineage
