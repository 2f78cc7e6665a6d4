#include "lineage/lineage_source.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "corpus/folder_listing.hpp"
#include "corpus/model_id.hpp"
#include "corpus/shared_blobs.hpp"
#include "lineage/front_matter.hpp"
#include "lineage/model_config.hpp"
#include "support/link_target.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"

namespace elves::lineage {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 20;

std::optional<BaseSource> source_of(std::string_view name) {
  if (name == "README.md") return BaseSource::Card;
  if (name == "adapter_config.json") return BaseSource::Adapter;
  if (name == "config.json") return BaseSource::Config;
  return std::nullopt;
}

/// "models--org--name/snapshots/revision".
bool is_snapshot(std::string_view folder, std::string_view id) {
  const auto parent = folder.substr(0, folder.rfind('/'));
  return parent.ends_with("/snapshots") && std::count(parent.begin(), parent.end(), '/') <= 2 &&
         !folder.starts_with(std::string(id) + "/");
}

}  // namespace

std::optional<LineageFile> as_lineage_file(const corpus::FileEntry& entry) {
  const auto slash = entry.path.rfind('/');
  if (slash == std::string::npos) return std::nullopt;
  const auto source = source_of(std::string_view(entry.path).substr(slash + 1));
  if (!source) return std::nullopt;
  const auto folder = std::string_view(entry.path).substr(0, slash);
  auto model = corpus::model_id(entry.path);
  if (model != folder && !is_snapshot(folder, model)) return std::nullopt;
  if (has_content(entry.kind)) return LineageFile{std::move(model), entry.path, *source};
  if (entry.kind != FileKind::Symlink) return std::nullopt;
  auto path = link_target(entry.path, entry.target);
  if (!path || (corpus::model_id(*path) != model && !corpus::is_shared_blob(*path))) return std::nullopt;
  return LineageFile{std::move(model), *std::move(path), *source};
}

std::vector<std::string> read_bases(const std::string& root, const LineageFile& file) {
  const FileDescriptor fd(open_regular_file(root + "/" + file.path));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) return {};
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const bool is_card = file.source == BaseSource::Card;
  if (!is_card && size > kMostBytes) return {};
  std::string text(static_cast<std::size_t>(std::min(size, kMostBytes)), '\0');
  if (!pread_exactly(fd.get(), std::as_writable_bytes(std::span(text)), 0)) return {};
  return is_card ? bases_in_front_matter(text) : bases_in_config(text);
}

}  // namespace elves::lineage
