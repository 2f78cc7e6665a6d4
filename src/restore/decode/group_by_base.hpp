#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "archive/file_ref.hpp"
#include "archive/shard_reader.hpp"

namespace elves::restore {

/// Files to be decoded together because their layers are deltas of the same bases: places in a list of files.
using FileGroup = std::vector<std::size_t>;

/// Not collective. Puts every file into one group, groups in the order of their first files. Together are files with
/// deltas of the same base, and the file that has the base itself; at most `most_files` in a group. Reads the rows of
/// all extents and layers once, and twice where there are bases. A file whose rows cannot be read is in a group of its
/// own: decoding it gives the error.
std::vector<FileGroup> group_by_base(archive::ShardSet& shards, std::span<const archive::FileRef> files,
                                     std::size_t most_files);

}  // namespace elves::restore
