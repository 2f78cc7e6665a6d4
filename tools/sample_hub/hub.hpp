#pragma once

#include <cstdint>
#include <filesystem>

namespace elves::sample {

/// What was written; symbolic links and further names of an inode count as files, but not their bytes.
struct HubSize {
  std::uint64_t models = 0;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

/// Writes a small hub below `root`, which exists and is empty: a family (base, fine-tunes, a copy, other precisions), a
/// training checkpoint, a model in the cache layout, and files of every odd kind. About `size_bytes` in all. The same
/// seed and size give the same bytes, names, modes and times. Throws std::filesystem::filesystem_error where writing
/// fails.
HubSize write_hub(const std::filesystem::path& root, std::uint64_t seed, std::uint64_t size_bytes);

}  // namespace elves::sample
