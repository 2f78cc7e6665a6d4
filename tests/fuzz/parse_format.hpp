#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "formats/parse_file.hpp"
#include "unit/formats/partition.hpp"

namespace elves::formats {

inline void abort_on_flaw(const ParsedFile& parsed, std::size_t size) {
  const auto flaw = partition_flaw(parsed, size);
  if (flaw.empty()) return;
  std::fprintf(stderr, "%s\n", flaw.c_str());
  std::abort();
}

/// Parses any bytes as a file of `format` and as a file of any format; the extents must partition the file.
inline int fuzz_format(const Format& format, const std::uint8_t* data, std::size_t size) {
  const MemorySource file(std::as_bytes(std::span(data, size)));
  (void)format.matches(file);
  abort_on_flaw(parse_as(format, file), size);
  abort_on_flaw(parse_file(file), size);
  return 0;
}

}  // namespace elves::formats
