#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "fuzz/parse_format.hpp"
#include "unit/formats/memory_folder.hpp"

namespace elves::formats {

/// Splits any bytes into two files: two bytes (little endian) give the length of the describing file, then come its
/// bytes, then those of the described file. The extents must partition the described file.
inline int fuzz_companion_format(const CompanionFormat& format, std::string described, std::string describing,
                                 const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(2);
  const auto n = std::min<std::size_t>(data[0] | data[1] << 8, bytes.size());
  const auto contents = bytes.subspan(n);
  const MemorySource file(contents);
  MemoryFolder folder;
  folder.add(std::move(describing), bytes.first(n));
  (void)format.parse(file, described, folder);
  abort_on_flaw(parse_file(file, {.name = described, .folder = &folder}), contents.size());
  return 0;
}

}  // namespace elves::formats
