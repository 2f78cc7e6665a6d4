#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "formats/parse_file.hpp"
#include "unit/formats/partition.hpp"

namespace elves::formats {

/// Parses a file in memory, and expects that the result has no flaw.
inline ParsedFile parse(const std::vector<std::byte>& file) {
  auto parsed = parse_file(MemorySource(file));
  EXPECT_EQ(partition_flaw(parsed, file.size()), "") << parsed.opaque_reason;
  return parsed;
}

inline std::vector<Extent> layers_of(const ParsedFile& file) {
  auto layers = file.extents;
  std::erase_if(layers, [](const Extent& extent) { return !extent.is_layer; });
  return layers;
}

}  // namespace elves::formats
