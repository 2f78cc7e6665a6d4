#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "corpus/file_entry.hpp"
#include "support/posix.hpp"

namespace elves::corpus {

/// One path, as its file system describes it.
struct FoundPath {
  FileEntry entry;
  bool has_other_names = false;  ///< a regular file whose inode has more than one name
};

/// Opens the folder `path` ("" is the root itself) below `root`, for listing. Opens it folder by folder if `path` is
/// too long for the kernel, and also with `every_step`: then a symbolic link on the way is an Error.
Result<FileDescriptor> open_folder(int root, const std::string& path, bool every_step = false);

/// The names in an open folder, without "." and "..", in the order of the file system.
struct Listing {
  std::vector<std::string> names{};
  Result<void> complete{};  ///< an Error if names may be missing
};
Listing list_names(int folder);

/// Looks up a name in an open folder, without following a symbolic link. An Error for a kind of file that cannot be
/// archived. `path` becomes the path of the entry.
Result<FoundPath> look_at(int folder, const std::string& name, std::string path);

/// "folder/name", or "name" in the root.
std::string join(std::string_view folder, std::string_view name);

}  // namespace elves::corpus
