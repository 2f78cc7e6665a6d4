#include "archive/file_extents.hpp"

#include <fmt/format.h>

#include "support/try.hpp"

namespace elves::archive {

Result<std::vector<FileExtent>> extents_of(ShardSet& shards, std::uint32_t shard, const FileRow& file) {
  ELVES_TRY(const auto reader, shards.at(shard));
  std::vector<FileExtent> extents;
  std::uint64_t at = 0;
  for (std::uint64_t e = 0; e < file.n_extents; ++e) {
    const auto row = file.first_extent + e;
    ELVES_TRY(const auto extent, reader->extent(row));
    if (extent.offset_bytes != at) return Error{fmt::format("its extents leave a gap at byte {}", at)};
    ELVES_TRY(const auto layers, shards.at(extent.layer_shard));
    ELVES_TRY(const auto layer, layers->layer(extent.layer_row));
    if (layer.size_bytes != extent.size_bytes) return Error{"an extent has another size than its layer"};
    extents.push_back({row, extent, layer});
    at += extent.size_bytes;
  }
  if (at != file.size_bytes)
    return Error{fmt::format("its extents end at byte {} of {}", at, std::uint64_t{file.size_bytes})};
  return extents;
}

}  // namespace elves::archive
