#include <algorithm>

#include "encode/registry.hpp"
#include "encode/repeats.hpp"
#include "support/try.hpp"

namespace elves::encode::raw {
namespace {

bool accepts(DType, const EncodeOptions&) {
  return true;
}

// Without repeats, planes of floats and of wide elements are never larger: mixing the bytes of all planes has more
// entropy.
bool worth_trying(const Chunk& chunk) {
  const bool has_planes = is_float(chunk.dtype) || (size_bytes(chunk.dtype) > 1 && block_elements(chunk.dtype) == 1);
  return !has_planes || repeats_itself(chunk.bytes);
}

void split_chunk(const Chunk& chunk, const EncodeOptions&, Scratch&, Split& to) {
  to.streams.push_back({chunk.bytes});
}

Result<void> join_chunk(ByteCursor&, StreamSource& streams, DType, Scratch&, std::span<std::byte> out,
                        std::span<const std::byte>) {
  ELVES_TRY(const auto bytes, streams.next(out.size()));
  std::ranges::copy(bytes, out.begin());
  return {};
}

}  // namespace
}  // namespace elves::encode::raw

namespace elves::encode {

const Transform kRaw{.id = TransformId::Raw,
                     .name = "raw",
                     .accepts = raw::accepts,
                     .worth_trying = raw::worth_trying,
                     .split = raw::split_chunk,
                     .join = raw::join_chunk};

}  // namespace elves::encode
