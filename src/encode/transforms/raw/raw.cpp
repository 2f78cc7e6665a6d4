#include "encode/transforms/raw/raw.hpp"

#include <algorithm>

#include "encode/repeats.hpp"

namespace elves::encode::raw {

bool accepts(DType, const EncodeOptions&) {
  return true;
}

bool promises(const Chunk& chunk) {
  const bool is_taken_apart =
      is_float(chunk.dtype) || (size_bytes(chunk.dtype) > 1 && block_elements(chunk.dtype) == 1);
  return !is_taken_apart || repeats_itself(chunk.bytes);
}

void split(const Chunk& chunk, const EncodeOptions&, Scratch&, Split& to) {
  to.streams.push_back({chunk.bytes});
}

Result<void> join(ByteCursor&, StreamSource& streams, DType, Scratch&, std::span<std::byte> out,
                  std::span<const std::byte>) {
  const auto bytes = streams.next(out.size());
  if (!bytes) return bytes.error();
  std::ranges::copy(*bytes, out.begin());
  return {};
}

}  // namespace elves::encode::raw
