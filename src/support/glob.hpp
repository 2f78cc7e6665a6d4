#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace elves {

/// True if the pattern matches the path or one of its parent folders. "*" and "?" match within a name, "**"
/// matches any number of folders, "[a-z]" is a set. A pattern without "/" matches a name at any depth, as in rsync and
/// gitignore. Time is at most the product of the lengths of pattern and path.
bool glob_match(std::string_view pattern, std::string_view path);

/// The patterns of --include and --exclude. A path is taken unless an exclude matches, or there are includes and none
/// matches.
struct PathFilter {
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  bool takes(std::string_view path) const;
};

}  // namespace elves
