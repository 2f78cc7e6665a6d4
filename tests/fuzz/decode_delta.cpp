// Decoder against hostile differences. Input: dtype, three bytes of output size and three of base size (little endian,
// modulo a chunk), the base, the chunk. In a chunk of `delta` the checksum is made to be that of the base, which no
// fuzzer would guess.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "elves/codec.hpp"
#include "support/byte_cursor.hpp"
#include "support/hash.hpp"

namespace {

using Bytes = std::vector<std::byte>;

std::size_t word_bytes(elves::DType dtype) {
  const bool is_complex = dtype == elves::DType::C32 || dtype == elves::DType::C64 || dtype == elves::DType::C128;
  return elves::size_bytes(dtype) / (is_complex ? 2 : 1);
}

void mend_checksum(Bytes& chunk, elves::DType dtype, std::span<const std::byte> base) {
  elves::ByteCursor cursor(chunk);
  const auto transform = cursor.read<elves::TransformId>();
  const auto n_words = cursor.read_varint();
  if (cursor.failed() || transform != elves::TransformId::Delta || cursor.remaining() < 8) return;
  if (n_words > base.size() / word_bytes(dtype)) return;
  const auto checksum = elves::checksum64(base.first(static_cast<std::size_t>(n_words) * word_bytes(dtype)));
  std::memcpy(chunk.data() + cursor.position(), &checksum, sizeof checksum);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 7) return 0;
  static elves::Decoder decoder;
  const auto dtype = static_cast<elves::DType>(data[0] % elves::kDTypeCount);
  const auto size_at = [&](std::size_t at) -> std::size_t {
    return static_cast<std::size_t>(data[at] | data[at + 1] << 8 | data[at + 2] << 16) % (elves::kChunkBytes + 1);
  };
  const std::span rest(reinterpret_cast<const std::byte*>(data) + 7, size - 7);
  const auto base = rest.first(std::min(size_at(4), rest.size()));
  Bytes chunk(rest.begin() + static_cast<std::ptrdiff_t>(base.size()), rest.end());
  mend_checksum(chunk, dtype, base);
  Bytes out(size_at(1) / elves::size_bytes(dtype) * elves::size_bytes(dtype));
  (void)decoder.decode(chunk, dtype, out, base).has_value();
  return 0;
}
