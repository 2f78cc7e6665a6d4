#pragma once

#include <string_view>
#include <vector>

#include "corpus/file_entry.hpp"
#include "mpi/comm.hpp"

namespace elves::corpus {

/// True for a path like "blobs/ab/abcdef0123": a blob of a Hugging Face cache whose repositories share their blobs
/// (also below "hub/"). Such a path names no model; the repositories link to it.
bool is_shared_blob(std::string_view path);

/// Collective. Sets FileEntry::linked_model of each shared blob that symbolic links among the entries lead to: the
/// smallest id of the models that these links belong to. 16 bytes a blob, and the id for a link, cross the network.
void assign_shared_blobs(const mpi::Comm& comm, std::vector<FileEntry>& entries);

}  // namespace elves::corpus
