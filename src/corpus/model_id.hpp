#pragma once

#include <string>
#include <string_view>

#include "corpus/file_entry.hpp"

namespace elves::corpus {

/// The id of the model that a path of a corpus belongs to: "org/name" for "org/name/...", and the folder for
/// "folder/file". In a Hugging Face cache (also below "hub/") the id of the cache folder: "org/name" for
/// "models--org--name/...", "datasets/org/name" for "datasets--org--name/...". "" for files at the root, and for shared
/// blobs (see is_shared_blob()).
std::string model_id(std::string_view path);

/// The id of the model of an entry. A shared blob belongs to the model that links to it, and a folder to the model of
/// the files in it; a folder of models belongs to none.
std::string model_of(const FileEntry& entry);

}  // namespace elves::corpus
