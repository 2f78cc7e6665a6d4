#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "corpus/file_entry.hpp"

namespace elves::lineage {

/// Where the base of a model is named, the most reliable first: --bases, README.md, adapter_config.json, config.json.
enum class BaseSource : std::uint8_t { List, Card, Adapter, Config };

/// A small text file that may name the base of its model.
struct LineageFile {
  std::string model;
  std::string path;  ///< of the file to read: of a link in a cache, its target
  BaseSource source = BaseSource::Card;
};

/// The entry as a lineage file if it is a README.md, adapter_config.json or config.json in the folder of a model, or in
/// a snapshot of a cache, where it is a link into the same model.
std::optional<LineageFile> as_lineage_file(const corpus::FileEntry& entry);

/// The names of bases in the file, below the folder `root`: at most 16, in its order. Reads the first MiB of a card,
/// and no config that is larger. A file that cannot be read names no base. Thread-safe.
std::vector<std::string> read_bases(const std::string& root, const LineageFile& file);

}  // namespace elves::lineage
