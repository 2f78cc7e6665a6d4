#include "corpus/model_id.hpp"

#include <array>
#include <optional>

namespace elves::corpus {
namespace {

struct Prefix {
  std::string_view folder;  ///< how a cache folder begins
  std::string_view id;      ///< what its model identity begins with
};
constexpr std::array<Prefix, 3> kCachePrefixes{
    {{"models--", ""}, {"datasets--", "datasets/"}, {"spaces--", "spaces/"}}};

/// The identity that a folder of a Hugging Face cache stands for, or nothing where it is no such folder.
std::optional<std::string> cache_model_id(std::string_view folder) {
  for (const auto& prefix : kCachePrefixes) {
    if (!folder.starts_with(prefix.folder)) continue;
    const auto name = folder.substr(prefix.folder.size());
    const auto dashes = name.find("--");
    if (dashes == std::string_view::npos) {
      if (name.empty()) return std::nullopt;
      return std::string(prefix.id) + std::string(name);
    }
    const auto organisation = name.substr(0, dashes);
    const auto model = name.substr(dashes + 2);
    if (organisation.empty() || model.empty()) return std::nullopt;
    return std::string(prefix.id) + std::string(organisation) + "/" + std::string(model);
  }
  return std::nullopt;
}

}  // namespace

std::string model_id(std::string_view path) {
  const auto in_cache = path.starts_with("hub/") ? path.substr(4) : path;
  if (const auto slash = in_cache.find('/'); slash != std::string_view::npos) {
    if (auto id = cache_model_id(in_cache.substr(0, slash))) return *std::move(id);
  }
  const auto first = path.find('/');
  if (first == std::string_view::npos) return {};
  const auto second = path.find('/', first + 1);
  return std::string(path.substr(0, second == std::string_view::npos ? first : second));
}

std::string model_of(const FileEntry& entry) {
  if (entry.kind != FileKind::Directory) return model_id(entry.path);
  auto id = model_id(entry.path + "/.");
  return id == entry.path && id.find('/') == std::string::npos ? std::string() : id;
}

}  // namespace elves::corpus
