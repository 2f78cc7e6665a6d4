#include "pipeline/stored_layers.hpp"

#include "mpi/query.hpp"

namespace elves::pipeline {
namespace {

dedup::LayerKey key_of(const archive::KnownLayer& layer) {
  return {layer.fingerprint, layer.size_bytes, layer.dtype};
}

}  // namespace

void add_stored(const mpi::Comm& comm, std::span<const archive::KnownLayer> layers, dedup::LayerTable& table) {
  const auto owner = [&](const archive::KnownLayer& layer) { return dedup::owner_of(key_of(layer), comm); };
  for (const auto& from_rank : mpi::send_to_owners(comm, layers, owner)) {
    for (const auto& layer : from_rank) table.insert(key_of(layer), {layer.place, layer.decoded, layer.loss});
  }
}

}  // namespace elves::pipeline
