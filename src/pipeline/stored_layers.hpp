#pragma once

#include <span>

#include "archive/catalog.hpp"
#include "dedup/layer_table.hpp"
#include "mpi/comm.hpp"

namespace elves::pipeline {

/// Collective. Takes layers that the archive holds into `table`, each at its owner. 72 bytes a layer cross the network.
void add_stored(const mpi::Comm& comm, std::span<const archive::KnownLayer> layers, dedup::LayerTable& table);

}  // namespace elves::pipeline
