#include "support/hub_cache.hpp"

#include <array>

namespace elves {
namespace {

struct Prefix {
  std::string_view folder;  ///< the start of the name of the folder
  std::string_view id;      ///< the start of the id
};
constexpr std::array<Prefix, 3> kPrefixes{{{"models--", ""}, {"datasets--", "datasets/"}, {"spaces--", "spaces/"}}};

/// "org--name" gives "org/name", "name" gives "name"; nothing if one of them is empty.
std::optional<std::string> with_slash(std::string_view name) {
  const auto dashes = name.find("--");
  if (dashes == std::string_view::npos) return name.empty() ? std::nullopt : std::optional<std::string>(name);
  const auto organisation = name.substr(0, dashes);
  const auto model = name.substr(dashes + 2);
  if (organisation.empty() || model.empty()) return std::nullopt;
  return std::string(organisation) + "/" + std::string(model);
}

}  // namespace

std::optional<std::string> id_of_cache_folder(std::string_view folder) {
  for (const auto& prefix : kPrefixes) {
    if (!folder.starts_with(prefix.folder)) continue;
    const auto name = with_slash(folder.substr(prefix.folder.size()));
    return name ? std::optional(std::string(prefix.id) + *name) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace elves
