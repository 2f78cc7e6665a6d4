#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "corpus/file_entry.hpp"
#include "support/posix.hpp"

namespace elves::corpus {

/// One path as its file system describes it.
struct FoundPath {
  FileEntry entry;
  bool has_other_names = false;  ///< a regular file whose inode has more than one name
};

/// Opens the folder `path` ("" is the root itself) below `root`, for listing. Where `path` is too long for the kernel
/// it goes there folder by folder; with `every_step` it always does, and refuses a symbolic link on the way.
Result<FileDescriptor> open_folder(int root, const std::string& path, bool every_step = false);

/// The names in an open folder, without "." and "..", in the order of the file system.
struct Listing {
  std::vector<std::string> names{};
  Result<void> complete{};  ///< why names are missing, where they are
};
Listing list_names(int folder);

/// What the name is in the open folder, symbolic links not followed; an Error for what cannot be archived.
/// `path` becomes the path of the entry.
Result<FoundPath> look_at(int folder, const std::string& name, std::string path);

/// "folder/name", or "name" in the root.
std::string join(std::string_view folder, std::string_view name);

}  // namespace elves::corpus
