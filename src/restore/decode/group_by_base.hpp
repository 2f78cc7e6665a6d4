#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "archive/catalog.hpp"
#include "archive/shard_reader.hpp"

namespace elves::restore {

/// Files to be decoded together, because layers of theirs rest on the same bases. Numbers are places in a list of
/// files.
using FileGroup = std::vector<std::size_t>;

/// Not collective. Puts every file into one group, groups in the order of their first files: those whose layers rest
/// on the same base together, with the file that brought the base, at most `most_files` in a group. Reads the rows of
/// all layers once. Rows that cannot be read are left to who decodes the file.
std::vector<FileGroup> group_by_base(archive::ShardSet& shards, std::span<const archive::FileRef> files,
                                     std::size_t most_files);

}  // namespace elves::restore
