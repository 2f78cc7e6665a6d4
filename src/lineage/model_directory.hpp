#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "mpi/comm.hpp"
#include "support/hash.hpp"

namespace elves::lineage {

/// The hash of a model's id that stands for it in lineage and families.
inline Hash128 hash_of_model(std::string_view id) noexcept {
  return hash128(id);
}

/// A model that some rank has files of.
struct SeenModel {
  std::string id;
  bool in_sweep = false;  ///< some of its files are to be archived now
};

/// What is known of a model by its name.
struct KnownModel {
  Hash128 id;                   ///< zero where there is no such model, or more than one
  std::uint8_t is_several = 0;  ///< more than one has this name
  std::uint8_t in_corpus = 0;
  std::uint8_t in_sweep = 0;
  std::uint8_t reserved[5]{};
  bool found() const noexcept { return id != Hash128{}; }
};

/// The models of the corpus and of the archive, spread over the ranks by the hash of their names: about 100 bytes a
/// model on one rank.
class ModelDirectory {
 public:
  /// Collective. `seen`: models of this rank's files, which other ranks may have too. `archived`: hashes of the ids of
  /// any part of the archive's models. 40 bytes a model cross the network.
  ModelDirectory(const mpi::Comm& comm, std::span<const SeenModel> seen, std::span<const Hash128> archived);

  /// Collective. One answer a question: the model of this id.
  std::vector<KnownModel> find_by_id(std::span<const Hash128> ids) const;

  /// Collective. The one model of the corpus whose id ends with this component (given by its hash).
  std::vector<KnownModel> find_by_last(std::span<const Hash128> last_components) const;

 private:
  struct HashOfHash {
    std::size_t operator()(const Hash128& hash) const noexcept { return hash.high; }
  };
  using Table = std::unordered_map<Hash128, KnownModel, HashOfHash>;

  std::vector<KnownModel> ask(const Table& table, std::span<const Hash128> names) const;

  const mpi::Comm& comm_;
  Table by_id_, by_last_;
};

}  // namespace elves::lineage
