#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "fuzz/parse_container.hpp"
#include "unit/formats/memory_folder.hpp"

namespace elves::formats {

/// Any bytes are two files: two bytes (little endian) give the length of the one that describes, then come its bytes,
/// then those of the file that it describes. Its extents partition it, whatever the other one says.
inline int fuzz_companion(ContainerId id, std::string described, std::string describing, const std::uint8_t* data,
                          std::size_t size) {
  if (size < 2) return 0;
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(2);
  const auto n = std::min<std::size_t>(data[0] | data[1] << 8, bytes.size());
  const auto contents = bytes.subspan(n);
  const MemorySource file(contents);
  MemoryFolder folder;
  folder.add(std::move(describing), bytes.first(n));
  for (const auto& companion : companions()) {
    if (companion.id == id) (void)companion.parse(file, described, folder);
  }
  abort_on_flaw(parse_file(file, {.name = described, .folder = &folder}), contents.size());
  return 0;
}

}  // namespace elves::formats
