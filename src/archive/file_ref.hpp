#pragma once

#include <cstdint>

namespace elves::archive {

/// A row of a shard's /files.
struct FileRef {
  std::uint32_t shard = 0;
  std::uint32_t reserved = 0;
  std::uint64_t row = 0;
  std::uint64_t size_bytes = 0;  ///< of the file
  bool operator==(const FileRef&) const = default;
};

/// Rows of later sweeps have a higher order, and so have later rows of one sweep. At least 1.
constexpr std::uint64_t order_of(std::uint32_t shard, std::uint64_t row) {
  return ((std::uint64_t{shard} << 40) | row) + 1;
}

}  // namespace elves::archive
