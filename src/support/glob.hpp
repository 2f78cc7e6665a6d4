#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace elves {

/// True where the glob matches the path or one of its parent folders: "*" and "?" stay within a folder, "**" crosses
/// folders, "[a-z]" is a set. A pattern without "/" matches a name at any depth, as in rsync and gitignore.
bool glob_match(std::string_view pattern, std::string_view path);

/// What --include and --exclude say of a path: taken unless an exclude matches, or includes are given and none matches.
struct PathFilter {
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  bool takes(std::string_view path) const;
};

}  // namespace elves
