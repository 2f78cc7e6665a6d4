#include <fmt/format.h>
#include <algorithm>
#include <array>

#include "encode/registry.hpp"
#include "encode/transforms/blocks/layouts.hpp"
#include "support/try.hpp"

namespace elves::encode::blocks {
namespace {

bool accepts(DType dtype, const EncodeOptions&) {
  return layout_of(dtype) != nullptr;
}

void split_chunk(const Chunk& chunk, const EncodeOptions&, Scratch& scratch, Split& to) {
  const auto& layout = *layout_of(chunk.dtype);
  const auto n_blocks = chunk.bytes.size() / layout.block_bytes;
  std::array<std::byte*, kMostFields> streams{};
  for (std::size_t k = 0; k < layout.fields.size(); ++k) {
    const auto stream = scratch.take(n_blocks * layout.fields[k].symbols());
    streams[k] = stream.data();
    to.streams.push_back({stream});
  }
  layout.split(chunk.bytes.data(), n_blocks, streams.data());
  const auto rest = chunk.bytes.subspan(n_blocks * layout.block_bytes);
  if (!rest.empty()) to.streams.push_back({rest});
}

Result<void> join_chunk(ByteCursor&, StreamSource& source, DType dtype, Scratch&, std::span<std::byte> out,
                        std::span<const std::byte>) {
  const auto* layout = layout_of(dtype);
  if (!layout) return Error{fmt::format("blocks: damaged: {} has no blocks", name(dtype))};
  const auto n_blocks = out.size() / layout->block_bytes;
  std::array<const std::byte*, kMostFields> streams{};
  for (std::size_t k = 0; k < layout->fields.size(); ++k) {
    ELVES_TRY(const auto stream, source.next(n_blocks * layout->fields[k].symbols()));
    streams[k] = stream.data();
  }
  if (!layout->join(streams.data(), n_blocks, out.data()))
    return Error{"blocks: damaged: a symbol has more bits than its field"};
  const auto rest = out.subspan(n_blocks * layout->block_bytes);
  if (rest.empty()) return {};
  ELVES_TRY(const auto stream, source.next(rest.size()));
  std::ranges::copy(stream, rest.begin());
  return {};
}

}  // namespace
}  // namespace elves::encode::blocks

namespace elves::encode {

const Transform kBlocks{.id = TransformId::Blocks,
                        .name = "blocks",
                        .stage = Stage::Planes,
                        .accepts = blocks::accepts,
                        .split = blocks::split_chunk,
                        .join = blocks::join_chunk};

}  // namespace elves::encode
