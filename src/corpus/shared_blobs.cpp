#include "corpus/shared_blobs.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <unordered_map>

#include "corpus/model_id.hpp"
#include "mpi/query.hpp"
#include "support/hash.hpp"
#include "support/link_target.hpp"

namespace elves::corpus {
namespace {

bool is_hexadecimal(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// A blob and a model that links to it, as a row of bytes.
std::string as_row(const Hash128& blob, std::string_view model) {
  std::string row(sizeof blob, '\0');
  std::memcpy(row.data(), &blob, sizeof blob);
  return row.append(model);
}

Hash128 blob_of(const std::string& row) {
  Hash128 blob;
  std::memcpy(&blob, row.data(), sizeof blob);
  return blob;
}

}  // namespace

bool is_shared_blob(std::string_view path) {
  if (path.starts_with("hub/")) path.remove_prefix(4);
  constexpr std::string_view kFolder = "blobs/";
  if (!path.starts_with(kFolder)) return false;
  path.remove_prefix(kFolder.size());
  const auto slash = path.find('/');
  if (slash != 2 || !is_hexadecimal(path.substr(0, slash))) return false;
  const auto name = path.substr(slash + 1);
  constexpr std::size_t kShortestHash = 8;
  return name.size() >= kShortestHash && is_hexadecimal(name);
}

void assign_shared_blobs(const mpi::Comm& comm, std::vector<FileEntry>& entries) {
  std::vector<std::string> links;
  std::vector<FileEntry*> blobs;
  std::vector<Hash128> paths;
  for (auto& entry : entries) {
    if (entry.kind == FileKind::Symlink) {
      const auto target = link_target(entry.path, entry.target);
      if (target && is_shared_blob(*target)) links.push_back(as_row(hash128(*target), model_id(entry.path)));
    } else if (has_content(entry.kind) && is_shared_blob(entry.path)) {
      blobs.push_back(&entry);
      paths.push_back(hash128(entry.path));
    }
  }
  std::unordered_map<Hash128, std::string> models;
  const auto owner_of_link = [&](const std::string& row) { return mpi::owner_of(blob_of(row), comm); };
  for (const auto& from_rank : mpi::send_to_owners(comm, links, owner_of_link)) {
    for (const auto& row : from_rank) {
      const auto id = row.substr(sizeof(Hash128));
      const auto [at, is_new] = models.try_emplace(blob_of(row), id);
      if (!is_new) at->second = std::min(at->second, id);
    }
  }
  const auto owner = [&](const Hash128& path) { return mpi::owner_of(path, comm); };
  const auto found = mpi::query(comm, paths, owner, [&](const Hash128& path) {
    const auto at = models.find(path);
    return at == models.end() ? std::string() : at->second;
  });
  for (std::size_t i = 0; i < blobs.size(); ++i) blobs[i]->linked_model = found[i];
}

}  // namespace elves::corpus
