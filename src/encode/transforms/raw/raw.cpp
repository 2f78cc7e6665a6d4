#include <algorithm>

#include "encode/registry.hpp"
#include "encode/repeats.hpp"

namespace elves::encode::raw {
namespace {

bool accepts(DType, const EncodeOptions&) {
  return true;
}

// Without repeats, floats and wider elements never take less than taken apart: a mixture of bytes has more entropy.
bool promises(const Chunk& chunk) {
  const bool is_taken_apart =
      is_float(chunk.dtype) || (size_bytes(chunk.dtype) > 1 && block_elements(chunk.dtype) == 1);
  return !is_taken_apart || repeats_itself(chunk.bytes);
}

void split_chunk(const Chunk& chunk, const EncodeOptions&, Scratch&, Split& to) {
  to.streams.push_back({chunk.bytes});
}

Result<void> join_chunk(ByteCursor&, StreamSource& streams, DType, Scratch&, std::span<std::byte> out,
                        std::span<const std::byte>) {
  const auto bytes = streams.next(out.size());
  if (!bytes) return bytes.error();
  std::ranges::copy(*bytes, out.begin());
  return {};
}

}  // namespace
}  // namespace elves::encode::raw

namespace elves::encode {

const Transform kRaw{.id = TransformId::Raw,
                     .name = "raw",
                     .accepts = raw::accepts,
                     .promises = raw::promises,
                     .split = raw::split_chunk,
                     .join = raw::join_chunk};

}  // namespace elves::encode
