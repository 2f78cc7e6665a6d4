#include "encode/transforms/planes/planes.hpp"

#include <fmt/format.h>
#include <array>

#include "encode/registry.hpp"
#include "support/try.hpp"

namespace elves::encode::planes {

WordShape shape_of(DType dtype) {
  switch (dtype) {
    case DType::U16:
    case DType::I16:
      return {.n_bytes = 2, .rotate = false};
    case DType::U32:
    case DType::I32:
      return {.n_bytes = 4, .rotate = false};
    case DType::U64:
    case DType::I64:
      return {.n_bytes = 8, .rotate = false};
    case DType::F8E4M3:
    case DType::F8E5M2:
    case DType::F8E4M3FNUZ:
    case DType::F8E5M2FNUZ:
      return {.n_bytes = 1, .rotate = true};
    case DType::F16:
    case DType::BF16:
    case DType::C32:
      return {.n_bytes = 2, .rotate = true};
    case DType::F32:
    case DType::C64:
      return {.n_bytes = 4, .rotate = true};
    case DType::F64:
    case DType::C128:
      return {.n_bytes = 8, .rotate = true};
    default:
      return {.n_bytes = 1, .rotate = false};
  }
}

void split_words(WordShape shape, std::span<const std::byte> words, Scratch& scratch, Split& to) {
  const std::size_t n_words = words.size() / shape.n_bytes;
  std::array<std::byte*, 8> planes{};
  for (unsigned k = 0; k < shape.n_bytes; ++k) {
    const auto plane = scratch.take(n_words);
    to.streams.push_back({plane});
    planes[k] = plane.data();
  }
  split_planes(shape, words.data(), n_words, std::span(planes).first(shape.n_bytes));
}

Result<void> join_words(WordShape shape, StreamSource& streams, std::span<std::byte> words) {
  const std::size_t n_words = words.size() / shape.n_bytes;
  std::array<const std::byte*, 8> planes{};
  for (unsigned k = 0; k < shape.n_bytes; ++k) {
    ELVES_TRY(const auto plane, streams.next(n_words));
    planes[k] = plane.data();
  }
  join_planes(shape, std::span(planes).first(shape.n_bytes), n_words, words.data());
  return {};
}

namespace {

bool accepts(DType dtype, const EncodeOptions&) {
  const auto shape = shape_of(dtype);
  return shape.n_bytes > 1 || shape.rotate;
}

// If a word is one byte, its only plane is a rotated copy, which raw codes about as well.
bool worth_trying(const Chunk& chunk) {
  return shape_of(chunk.dtype).n_bytes > 1;
}

void split_chunk(const Chunk& chunk, const EncodeOptions&, Scratch& scratch, Split& to) {
  split_words(shape_of(chunk.dtype), chunk.bytes, scratch, to);
}

Result<void> join_chunk(ByteCursor&, StreamSource& streams, DType dtype, Scratch&, std::span<std::byte> out,
                        std::span<const std::byte>) {
  if (!accepts(dtype, {})) return Error{fmt::format("planes: damaged: {} has no planes", name(dtype))};
  return join_words(shape_of(dtype), streams, out);
}

}  // namespace
}  // namespace elves::encode::planes

namespace elves::encode {

const Transform kPlanes{.id = TransformId::Planes,
                        .name = "planes",
                        .stage = Stage::Planes,
                        .accepts = planes::accepts,
                        .worth_trying = planes::worth_trying,
                        .split = planes::split_chunk,
                        .join = planes::join_chunk};

}  // namespace elves::encode
