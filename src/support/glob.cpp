#include "support/glob.hpp"

#include <algorithm>

namespace elves {
namespace {

/// One "[...]" set at the front of `pattern`; advances past it. `known` tells whether it was well formed.
bool match_set(std::string_view& pattern, char character, bool& known) {
  const auto c = static_cast<unsigned char>(character);
  std::size_t at = 1;
  const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (negated) ++at;
  bool found = false;
  for (bool first = true; at < pattern.size() && (first || pattern[at] != ']'); first = false) {
    const auto low = static_cast<unsigned char>(pattern[at++]);
    auto high = low;
    if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
      high = static_cast<unsigned char>(pattern[at + 1]);
      at += 2;
    }
    found = found || (low <= c && c <= high);
  }
  known = at < pattern.size();
  if (known) pattern.remove_prefix(at + 1);
  return found != negated;
}

/// Iterative wildcard matching: one place to return to for "*", one for "**". Time is at most |pattern| * |path|
/// for each of them.
bool match_whole(std::string_view pattern, std::string_view path) {
  struct Mark {
    std::string_view pattern, path;
    bool set = false;
    bool by_folder = false;  // a whole "**/": it ends where a name begins, so that "**/b" does not match "ab"
  } star, globstar;
  const char* const front = pattern.data();
  for (;;) {
    if (pattern.starts_with("**")) {
      const bool at_name = pattern.data() == front || pattern.data()[-1] == '/';
      const bool by_folder = at_name && pattern.starts_with("**/");
      pattern.remove_prefix(by_folder ? 3 : 2);
      globstar = {pattern, path, true, by_folder};
      star.set = false;
      continue;
    }
    if (!pattern.empty() && pattern[0] == '*') {
      pattern.remove_prefix(1);
      star = {pattern, path, true, false};
      continue;
    }
    bool matched = false;
    if (pattern.empty() && path.empty()) return true;
    if (!pattern.empty() && !path.empty()) {
      if (pattern[0] == '?' && path[0] != '/') {
        pattern.remove_prefix(1);
        matched = true;
      } else if (pattern[0] == '[' && path[0] != '/') {
        bool known = false;
        auto rest = pattern;
        matched = match_set(rest, path[0], known);
        if (!known) {
          matched = path[0] == '[';
          rest = pattern.substr(1);
        }
        if (matched) pattern = rest;
      } else if (pattern[0] == path[0]) {
        pattern.remove_prefix(1);
        matched = true;
      }
      if (matched) path.remove_prefix(1);
    }
    if (matched) continue;
    if (star.set && !star.path.empty() && star.path[0] != '/') {
      star.path.remove_prefix(1);
      pattern = star.pattern;
      path = star.path;
    } else if (globstar.set && !globstar.path.empty()) {
      const auto skipped = globstar.by_folder ? globstar.path.find('/') : 0;
      if (skipped == std::string_view::npos) return false;
      globstar.path.remove_prefix(skipped + 1);
      pattern = globstar.pattern;
      path = globstar.path;
      star.set = false;
    } else {
      return false;
    }
  }
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view path) {
  const bool anchored = pattern.substr(0, pattern.find_last_not_of('/') + 1).find('/') != std::string_view::npos;
  while (pattern.ends_with('/')) pattern.remove_suffix(1);
  if (pattern.starts_with('/')) pattern.remove_prefix(1);
  for (auto prefix = path;;) {
    const auto slash = prefix.rfind('/');
    const auto tail = anchored || slash == std::string_view::npos ? prefix : prefix.substr(slash + 1);
    if (match_whole(pattern, tail)) return true;
    if (slash == std::string_view::npos) return false;
    prefix = prefix.substr(0, slash);
  }
}

bool PathFilter::takes(std::string_view path) const {
  const auto matches = [&](const std::string& pattern) { return glob_match(pattern, path); };
  if (std::any_of(exclude.begin(), exclude.end(), matches)) return false;
  return include.empty() || std::any_of(include.begin(), include.end(), matches);
}

}  // namespace elves
