#include "support/link_target.hpp"

#include "support/text.hpp"

namespace elves {
namespace {

std::string_view parent(std::string_view path) {
  const auto slash = path.rfind('/');
  return path.substr(0, slash == std::string_view::npos ? 0 : slash);
}

}  // namespace

std::optional<std::string> link_target(std::string_view path, std::string_view text) {
  if (text.starts_with('/')) return std::nullopt;
  std::string target(parent(path));
  for (const auto& part : split(text, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (target.empty()) return std::nullopt;
      target = std::string(parent(target));
    } else {
      target += (target.empty() ? "" : "/") + part;
    }
  }
  if (target.empty()) return std::nullopt;
  return target;
}

}  // namespace elves
