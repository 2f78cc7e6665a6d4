#include "fuzz/parse_companion.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return elves::formats::fuzz_companion(elves::formats::ContainerId::TensorflowData, "v.data-00000-of-00001", "v.index",
                                        data, size);
}
