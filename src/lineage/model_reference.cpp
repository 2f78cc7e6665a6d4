#include "lineage/model_reference.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "support/hub_cache.hpp"
#include "support/text.hpp"

namespace elves::lineage {
namespace {

constexpr std::array<std::string_view, 5> kHubs{"https://huggingface.co/", "http://huggingface.co/", "huggingface.co/",
                                                "https://hf.co/", "hf.co/"};

/// Removes the URL of the hub from the front. True if there was one.
bool remove_hub(std::string_view& name) {
  for (const auto hub : kHubs) {
    if (!name.starts_with(hub)) continue;
    name.remove_prefix(hub.size());
    return true;
  }
  return false;
}

std::vector<std::string> components_of(std::string_view name) {
  std::string with_slashes(name);
  std::replace(with_slashes.begin(), with_slashes.end(), '\\', '/');
  auto parts = split(with_slashes, '/');
  std::erase_if(parts,
                [](const std::string& part) { return part.empty() || part == "." || part == ".." || part == "~"; });
  return parts;
}

bool looks_like_path(std::string_view name, std::size_t n_components) {
  return n_components > 2 || name.starts_with('/') || name.starts_with("./") || name.starts_with("../") ||
         name.starts_with("~/") || name.find('\\') != std::string_view::npos;
}

}  // namespace

ModelReference read_model_reference(std::string_view text) {
  const auto in_hub = remove_hub(text);
  const auto parts = components_of(text);
  if (parts.empty()) return {};
  for (const auto& part : parts) {
    if (part.starts_with("models--")) return {id_of_cache_folder(part).value_or(part), {}, false};
  }
  if (in_hub) return {parts.size() == 1 ? parts[0] : parts[0] + "/" + parts[1], {}, false};
  const bool is_path = looks_like_path(text, parts.size());
  const auto& last = parts.back();
  if (parts.size() == 1) return {is_path ? std::string() : last, last, is_path};
  return {parts[parts.size() - 2] + "/" + last, is_path ? last : std::string(), is_path};
}

std::string_view last_component(std::string_view id) {
  return id.substr(id.rfind('/') + 1);
}

}  // namespace elves::lineage
