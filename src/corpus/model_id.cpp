#include "corpus/model_id.hpp"

#include "corpus/shared_blobs.hpp"
#include "support/hub_cache.hpp"

namespace elves::corpus {

std::string model_id(std::string_view path) {
  if (is_shared_blob(path)) return {};
  const auto in_cache = path.starts_with("hub/") ? path.substr(4) : path;
  if (const auto slash = in_cache.find('/'); slash != std::string_view::npos) {
    if (auto id = id_of_cache_folder(in_cache.substr(0, slash))) return *std::move(id);
  }
  const auto first = path.find('/');
  if (first == std::string_view::npos) return {};
  const auto second = path.find('/', first + 1);
  return std::string(path.substr(0, second == std::string_view::npos ? first : second));
}

std::string model_of(const FileEntry& entry) {
  if (!entry.linked_model.empty()) return entry.linked_model;
  if (entry.kind != FileKind::Directory) return model_id(entry.path);
  auto id = model_id(entry.path + "/.");
  return id == entry.path && id.find('/') == std::string::npos ? std::string() : id;
}

}  // namespace elves::corpus
