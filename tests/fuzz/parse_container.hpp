#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include "formats/format.hpp"
#include "unit/formats/partition.hpp"

namespace elves::formats {

inline void abort_on_flaw(const ParsedFile& parsed, std::size_t size) {
  const auto flaw = partition_flaw(parsed, size);
  if (flaw.empty()) return;
  std::fprintf(stderr, "%s\n", flaw.c_str());
  std::abort();
}

/// Any bytes are a file: its extents partition it, whatever it says, for the parser of `id` and for all together.
inline int fuzz_container(ContainerId id, const std::uint8_t* data, std::size_t size) {
  const MemorySource file(std::as_bytes(std::span(data, size)));
  for (const auto& container : containers()) {
    if (container.id != id) continue;
    (void)container.recognizes(file);
    abort_on_flaw(parse_as(container, file), size);
  }
  abort_on_flaw(parse_file(file), size);
  return 0;
}

}  // namespace elves::formats
