#include "support/glob.hpp"

#include <algorithm>

namespace elves {
namespace {

/// True if a set, without its brackets, contains a character: "a-z_", "!a-z".
bool contains(std::string_view set, char character) {
  const bool is_negated = set.front() == '!' || set.front() == '^';
  if (is_negated) set.remove_prefix(1);
  const auto c = static_cast<unsigned char>(character);
  bool found = false;
  for (std::size_t i = 0; i < set.size(); ++i) {
    const auto low = static_cast<unsigned char>(set[i]);
    const bool is_range = i + 2 < set.size() && set[i + 1] == '-';
    if (is_range) i += 2;
    found = found || (low <= c && c <= static_cast<unsigned char>(set[i]));
  }
  return found != is_negated;
}

/// Removes the front of a pattern that matches one character: "x", "?", or a set. An unclosed set is a bracket.
std::string_view take_element(std::string_view& pattern) {
  std::size_t n = 1;
  if (pattern.front() == '[') {
    const bool is_negated = pattern.size() > 1 && (pattern[1] == '!' || pattern[1] == '^');
    const auto end = pattern.find(']', is_negated ? 3 : 2);  // the first character of a set may be "]"
    if (end != std::string_view::npos) n = end + 1;
  }
  const auto element = pattern.substr(0, n);
  pattern.remove_prefix(n);
  return element;
}

bool matches(std::string_view element, char c) {
  if (c == '/' || element == "/") return element.front() == c;
  if (element.size() > 1) return contains(element.substr(1, element.size() - 2), c);
  return element == "?" || element.front() == c;
}

/// The positions in a path that the front of a pattern matches up to.
class Positions {
 public:
  /// Of an empty front: the start of the path, or of every name in it.
  Positions(std::string_view path, bool of_every_name) : path_(path), reached_(path.size() + 1, false) {
    for (std::size_t i = 0; i < reached_.size(); ++i) reached_[i] = i == 0 || (of_every_name && is_name_start(i));
  }

  bool none() const { return std::find(reached_.begin(), reached_.end(), true) == reached_.end(); }
  /// True if the path or one of its parent folders is matched.
  bool has_whole_path() const {
    for (std::size_t i = 0; i < reached_.size(); ++i) {
      if (reached_[i] && (i == path_.size() || path_[i] == '/')) return true;
    }
    return false;
  }

  /// "x", "?" or a set.
  void pass_element(std::string_view element) {
    for (auto i = path_.size(); i > 0; --i) reached_[i] = reached_[i - 1] && matches(element, path_[i - 1]);
    reached_[0] = false;
  }
  /// "*", or "**".
  void pass_star(bool crosses_folders) {
    for (std::size_t i = 1; i < reached_.size(); ++i)
      reached_[i] = reached_[i] || (reached_[i - 1] && (crosses_folders || path_[i - 1] != '/'));
  }
  /// "**/" at the start of a name.
  void pass_folders() {
    bool any = false;
    for (std::size_t i = 0; i < reached_.size(); ++i) {
      const bool after_folders = any && is_name_start(i);
      any = any || reached_[i];
      reached_[i] = reached_[i] || after_folders;
    }
  }

 private:
  bool is_name_start(std::size_t at) const { return at == 0 || path_[at - 1] == '/'; }

  std::string_view path_;
  std::vector<bool> reached_;
};

}  // namespace

bool glob_match(std::string_view pattern, std::string_view path) {
  while (pattern.ends_with('/')) pattern.remove_suffix(1);
  const bool has_slash = pattern.find('/') != std::string_view::npos;
  if (pattern.starts_with('/')) pattern.remove_prefix(1);

  Positions positions(path, !has_slash);
  for (bool at_name = true; !pattern.empty() && !positions.none();) {
    if (has_slash && at_name && pattern.starts_with("**/")) {
      pattern.remove_prefix(3);
      positions.pass_folders();
    } else if (pattern.front() == '*') {
      const bool crosses_folders = has_slash && pattern.starts_with("**");
      pattern.remove_prefix(crosses_folders ? 2 : 1);
      positions.pass_star(crosses_folders);
      at_name = false;
    } else {
      const auto element = take_element(pattern);
      positions.pass_element(element);
      at_name = element == "/";
    }
  }
  return positions.has_whole_path();
}

bool PathFilter::takes(std::string_view path) const {
  const auto matches_path = [&](const std::string& pattern) { return glob_match(pattern, path); };
  if (std::any_of(exclude.begin(), exclude.end(), matches_path)) return false;
  return include.empty() || std::any_of(include.begin(), include.end(), matches_path);
}

}  // namespace elves
