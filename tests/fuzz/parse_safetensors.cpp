// Any bytes are a file: its extents partition it, whatever the header says.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "corpus/container.hpp"
#include "unit/corpus/partition.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const elves::corpus::MemorySource file(std::as_bytes(std::span(data, size)));
  const auto parsed = elves::corpus::parse_file(file);
  if (const auto flaw = elves::corpus::partition_flaw(parsed, size); !flaw.empty()) {
    std::fprintf(stderr, "%s\n", flaw.c_str());
    std::abort();
  }
  return 0;
}
