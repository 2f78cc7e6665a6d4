#include "lineage/model_directory.hpp"

#include <cstddef>

#include "lineage/model_reference.hpp"

namespace elves::lineage {
namespace {

/// A model on its way to the owner of its name.
struct Entry {
  Hash128 name;
  Hash128 id;
  std::uint8_t in_corpus = 0;
  std::uint8_t in_sweep = 0;
  std::uint8_t reserved[6]{};
};

std::size_t owner_of(const Hash128& name, std::size_t ranks) {
  return name.low % ranks;
}

/// Takes a model in; two ids of one name leave none, but the knowledge that there are several.
void take(KnownModel& known, const Entry& entry) {
  if (known.is_several != 0) return;
  if (known.found() && known.id != entry.id) {
    known = {};
    known.is_several = 1;
    return;
  }
  known.id = entry.id;
  known.in_corpus |= entry.in_corpus;
  known.in_sweep |= entry.in_sweep;
}

}  // namespace

ModelDirectory::ModelDirectory(const mpi::Comm& comm, std::span<const SeenModel> seen,
                               std::span<const Hash128> archived)
    : comm_(comm) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  mpi::PerRank<Entry> by_id(ranks);
  mpi::PerRank<Entry> by_last(ranks);
  const auto send = [&](mpi::PerRank<Entry>& to, const Entry& entry) {
    to[owner_of(entry.name, ranks)].push_back(entry);
  };
  for (const auto& model : seen) {
    const auto id = hash_of_model(model.id);
    const std::uint8_t in_sweep = model.in_sweep ? 1 : 0;
    send(by_id, {id, id, 1, in_sweep});
    send(by_last, {hash128(lineage::last_component(model.id)), id, 1, in_sweep});
  }
  for (const auto& id : archived) send(by_id, {id, id, 0, 0});
  for (const auto& rows : comm.alltoallv(by_id)) {
    for (const auto& row : rows) take(by_id_[row.name], row);
  }
  for (const auto& rows : comm.alltoallv(by_last)) {
    for (const auto& row : rows) take(by_last_[row.name], row);
  }
}

std::vector<KnownModel> ModelDirectory::find_by_id(std::span<const Hash128> ids) const {
  return ask(by_id_, ids);
}

std::vector<KnownModel> ModelDirectory::find_by_last(std::span<const Hash128> last_components) const {
  return ask(by_last_, last_components);
}

std::vector<KnownModel> ModelDirectory::ask(const Table& table, std::span<const Hash128> names) const {
  const auto ranks = static_cast<std::size_t>(comm_.size());
  mpi::PerRank<Hash128> questions(ranks);
  mpi::PerRank<std::size_t> askers(ranks);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto owner = owner_of(names[i], ranks);
    questions[owner].push_back(names[i]);
    askers[owner].push_back(i);
  }
  mpi::PerRank<KnownModel> answers(ranks);
  const auto asked = comm_.alltoallv(questions);
  for (std::size_t r = 0; r < ranks; ++r) {
    for (const auto& name : asked[r]) {
      const auto at = table.find(name);
      answers[r].push_back(at == table.end() ? KnownModel{} : at->second);
    }
  }
  std::vector<KnownModel> found(names.size());
  const auto told = comm_.alltoallv(answers);
  for (std::size_t r = 0; r < ranks; ++r) {
    for (std::size_t i = 0; i < told[r].size(); ++i) found[askers[r][i]] = told[r][i];
  }
  return found;
}

}  // namespace elves::lineage
