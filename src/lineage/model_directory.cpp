#include "lineage/model_directory.hpp"

#include "lineage/model_reference.hpp"
#include "mpi/query.hpp"

namespace elves::lineage {
namespace {

/// A name of a model, sent to the owner of the name.
struct NamedModel {
  Hash128 name;
  Hash128 id;
  std::uint8_t in_corpus = 0;
  std::uint8_t in_sweep = 0;
  std::uint8_t reserved[6]{};
};

/// Two ids of one name leave no id, but the mark that the name is ambiguous.
void add(const NamedModel& model, KnownModel& known) {
  if (known.is_ambiguous != 0) return;
  if (known.found() && known.id != model.id) {
    known = {};
    known.is_ambiguous = 1;
    return;
  }
  known.id = model.id;
  known.in_corpus |= model.in_corpus;
  known.in_sweep |= model.in_sweep;
}

}  // namespace

ModelDirectory::ModelDirectory(const mpi::Comm& comm, std::span<const SeenModel> seen,
                               std::span<const Hash128> archived)
    : comm_(comm) {
  std::vector<NamedModel> by_id;
  std::vector<NamedModel> by_last;
  for (const auto& model : seen) {
    const auto id = hash_of_model(model.id);
    const std::uint8_t in_sweep = model.in_sweep ? 1 : 0;
    by_id.push_back({id, id, 1, in_sweep});
    by_last.push_back({hash128(last_component(model.id)), id, 1, in_sweep});
  }
  for (const auto& id : archived) by_id.push_back({id, id, 0, 0});
  const auto fill = [&](const std::vector<NamedModel>& models, Table& table) {
    const auto owner = [&](const NamedModel& model) { return mpi::owner_of(model.name, comm); };
    for (const auto& from_rank : mpi::send_to_owners(comm, models, owner)) {
      for (const auto& model : from_rank) add(model, table[model.name]);
    }
  };
  fill(by_id, by_id_);
  fill(by_last, by_last_);
}

std::vector<KnownModel> ModelDirectory::find_by_id(std::span<const Hash128> ids) const {
  return find(by_id_, ids);
}

std::vector<KnownModel> ModelDirectory::find_by_last(std::span<const Hash128> last_components) const {
  return find(by_last_, last_components);
}

std::vector<KnownModel> ModelDirectory::find(const Table& table, std::span<const Hash128> names) const {
  const auto owner = [&](const Hash128& name) { return mpi::owner_of(name, comm_); };
  return mpi::query(comm_, names, owner, [&](const Hash128& name) {
    const auto at = table.find(name);
    return at == table.end() ? KnownModel{} : at->second;
  });
}

}  // namespace elves::lineage
