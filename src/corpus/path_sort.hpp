#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "corpus/file_entry.hpp"
#include "corpus/folder_listing.hpp"
#include "mpi/comm.hpp"

namespace elves::corpus {

/// Collective. Sorts the paths of all ranks by their bytes, drops duplicates, and distributes them in equal shares:
/// rank r returns rows [r * N / ranks, (r + 1) * N / ranks) of the whole. A sample sort: each path is sent at most
/// twice, and rank 0 holds about 32 sampled paths for each rank.
std::vector<FoundPath> sort_by_path(const mpi::Comm& comm, std::vector<FoundPath> found);

/// Collective. Moves entries from corpus order to the order (tier, corpus order), again in equal shares. `tiers` has
/// the tier of each entry, less than `n_tiers`. Each entry is sent once.
std::vector<FileEntry> order_by_tier(const mpi::Comm& comm, std::vector<FileEntry> entries,
                                     std::span<const std::uint8_t> tiers, std::uint8_t n_tiers);

/// Collective. Turns each further name of an inode into a Hardlink to its first name in corpus order. `found` is this
/// rank's result of sort_by_path. Exchanges only files that have several names.
void link_names_of_one_inode(const mpi::Comm& comm, std::vector<FoundPath>& found);

}  // namespace elves::corpus
