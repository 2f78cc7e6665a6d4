#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "archive/archive_dir.hpp"
#include "archive/shard_reader.hpp"
#include "support/layer_ref.hpp"

namespace elves::restore {

/// A base, and the model whose file first stored it.
struct NamedBase {
  std::string model;
  std::string layer;
  bool is_named = false;  ///< false: no file has it, because its sweep was killed
};

/// Sum of the encoded chunks of a layer.
Result<std::uint64_t> stored_bytes(archive::ShardReader& shard, const archive::LayerRow& layer);

/// Not collective. All bases. Reads all rows of /layers, and where there are bases also those of /extents, until each
/// base has a name; memory: one entry a base. An Error where the archive is damaged.
Result<std::map<LayerRef, NamedBase>> name_bases(const archive::ArchiveDir& directory, archive::ShardSet& shards);

}  // namespace elves::restore
