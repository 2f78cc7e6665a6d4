#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "formats/format.hpp"
#include "unit/formats/partition.hpp"

namespace elves::formats {

/// What parse_file makes of these bytes, whose extents must partition them.
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
