#pragma once

#include <string>
#include <string_view>

#include "corpus/file_entry.hpp"

namespace elves::corpus {

/// The model that a path of a corpus belongs to: "org/name" for "org/name/..." and for the Hugging Face cache layout
/// "models--org--name/..." (also below "hub/"; likewise datasets--, spaces-- with that prefix kept as
/// "datasets/org/name"); "name" for a cache entry without an organisation; the folder for "folder/file"; "" for files
/// at the root, and for shared blobs (see is_shared_blob()).
std::string model_id(std::string_view path);

/// The model of an entry; that of a shared blob is the one that links to it. A folder belongs to the model that its
/// files would belong to; those above all models to none.
std::string model_of(const FileEntry& entry);

}  // namespace elves::corpus
