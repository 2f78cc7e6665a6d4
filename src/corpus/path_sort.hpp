#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "corpus/file_entry.hpp"
#include "corpus/folder_listing.hpp"
#include "mpi/comm.hpp"

namespace elves::corpus {

/// Collective. Sorts the paths of all ranks by their bytes, drops repeated ones, and cuts them into equal shares: rank
/// r returns rows [r * N / ranks, (r + 1) * N / ranks) of the whole. A sample sort: every path is sent at most twice,
/// and rank 0 holds about 32 sampled paths for each rank.
std::vector<FoundPath> sort_by_path(const mpi::Comm& comm, std::vector<FoundPath> found);

/// Collective. `entries` in corpus order over the ranks, moved to the order (tier, corpus order), in equal shares. An
/// entry's tier is in `tiers`, below `n_tiers`. Every entry is sent once.
std::vector<FileEntry> order_by_tier(const mpi::Comm& comm, std::vector<FileEntry> entries,
                                     std::span<const std::uint8_t> tiers, std::uint8_t n_tiers);

/// Collective. Turns every further name of an inode into a Hardlink to its first name in corpus order. `found` is this
/// rank's part of what sort_by_path returned. Exchanges only files that have several names.
void link_names_of_one_inode(const mpi::Comm& comm, std::vector<FoundPath>& found);

}  // namespace elves::corpus
