#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "mpi/comm.hpp"
#include "support/hash.hpp"

namespace elves::lineage {

/// The hash of a model's id, which identifies the model in lineage and families.
inline Hash128 hash_of_model(std::string_view id) noexcept {
  return hash128(id);
}

/// A model that this rank has files of.
struct SeenModel {
  std::string id;
  bool in_sweep = false;  ///< some of its files are archived by this sweep
};

/// The reply to a name: the model that it means.
struct KnownModel {
  Hash128 id;                     ///< zero: no model has this name, or several have it
  std::uint8_t is_ambiguous = 0;  ///< several models have this name
  std::uint8_t in_corpus = 0;
  std::uint8_t in_sweep = 0;
  std::uint8_t reserved[5]{};
  bool found() const noexcept { return id != Hash128{}; }
};

/// The models of the corpus and of the archive by name, spread over the ranks by the hash of the name: about 100 bytes
/// a model on one rank.
class ModelDirectory {
 public:
  /// Collective. `seen`: models of this rank's files; several ranks may list one model. `archived`: hashes of the ids
  /// of any part of the archive's models. 40 bytes a model and name cross the network.
  ModelDirectory(const mpi::Comm& comm, std::span<const SeenModel> seen, std::span<const Hash128> archived);

  /// Collective. One reply for each hash of an id.
  std::vector<KnownModel> find_by_id(std::span<const Hash128> ids) const;

  /// Collective. One reply for each hash of the last component of an id: the one model of the corpus that has it.
  std::vector<KnownModel> find_by_last(std::span<const Hash128> last_components) const;

 private:
  using Table = std::unordered_map<Hash128, KnownModel>;

  std::vector<KnownModel> find(const Table& table, std::span<const Hash128> names) const;

  const mpi::Comm& comm_;
  Table by_id_, by_last_;
};

}  // namespace elves::lineage
