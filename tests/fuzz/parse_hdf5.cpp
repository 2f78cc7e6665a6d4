#include "fuzz/parse_container.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return elves::formats::fuzz_container(elves::formats::ContainerId::Hdf5, data, size);
}
