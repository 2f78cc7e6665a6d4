#include "formats/tensorflow_data/tensorflow_data.hpp"
#include "fuzz/parse_companion_format.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return elves::formats::fuzz_companion_format(elves::formats::kTensorflowData, "v.data-00000-of-00001", "v.index",
                                               data, size);
}
