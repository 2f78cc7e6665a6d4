#include "fuzz/parse_companion.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return elves::corpus::fuzz_companion(elves::corpus::ContainerId::TensorflowData, "v.data-00000-of-00001", "v.index",
                                       data, size);
}
