#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "corpus/file_entry.hpp"

namespace elves::lineage {

/// Who says what a model was made from; those who know best come first.
enum class BaseSource : std::uint8_t { List, Card, Adapter, Config };

/// A small text file that may name the base of its model.
struct LineageFile {
  std::string model;
  std::string path;  ///< to read; of a link in a cache, where it leads
  BaseSource source = BaseSource::Card;
};

/// README.md, adapter_config.json and config.json in the folder of a model, or in a snapshot of a cache, where they are
/// links into the same model. Nothing for other entries.
std::optional<LineageFile> as_lineage_file(const corpus::FileEntry& entry);

/// The names of bases in the file, below the folder `root`: at most 16, in its order. Of a card the first MiB is read,
/// a larger config not at all. A file that cannot be read names nothing. Threads may call it.
std::vector<std::string> read_bases(const std::string& root, const LineageFile& file);

}  // namespace elves::lineage
