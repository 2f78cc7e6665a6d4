#include "formats/onnx_data/onnx_data.hpp"
#include "fuzz/parse_companion_format.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return elves::formats::fuzz_companion_format(elves::formats::kOnnxData, "m.onnx.data", "m.onnx", data, size);
}
