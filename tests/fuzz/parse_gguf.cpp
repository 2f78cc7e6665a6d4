#include "fuzz/parse_container.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return elves::corpus::fuzz_container(elves::corpus::ContainerId::Gguf, data, size);
}
