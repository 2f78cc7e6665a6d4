// Decoder against hostile bytes. Input: dtype, three bytes of output size (little endian, modulo a chunk), the chunk.
#include <cstdint>
#include <vector>

#include "elves/codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  static elves::Decoder decoder;
  const auto dtype = static_cast<elves::DType>(data[0] % elves::kDTypeCount);
  const std::size_t n = (data[1] | data[2] << 8 | data[3] << 16) % (elves::kChunkBytes + 1);
  std::vector<std::byte> out(n / elves::size_bytes(dtype) * elves::size_bytes(dtype));
  (void)decoder.decode({reinterpret_cast<const std::byte*>(data + 4), size - 4}, dtype, out).has_value();
  return 0;
}
