#include <fmt/format.h>
#include <algorithm>
#include <bit>
#include <cstring>

#include "encode/registry.hpp"
#include "encode/transforms/int_delta/kernel.hpp"
#include "encode/transforms/planes/planes.hpp"
#include "support/try.hpp"
#include "support/zigzag.hpp"

namespace elves::encode::int_delta {
namespace {

constexpr std::size_t kProbes = 4;   // worth_trying() looks at this many runs of the chunk,
constexpr std::size_t kProbe = 128;  // each of this many elements

// Calls `with` with an unsigned word of the dtype's size.
template <class With>
auto with_word(DType dtype, With with) {
  if (size_bytes(dtype) == 2) return with(std::uint16_t{});
  if (size_bytes(dtype) == 4) return with(std::uint32_t{});
  return with(std::uint64_t{});
}

// Sum over the elements of a run: the bits of the difference from the first element, less the bits of the difference
// from the element before.
template <class Word>
std::int64_t bits_saved(const std::byte* words, std::size_t n) {
  const auto word_at = [&](std::size_t i) {
    Word word;
    std::memcpy(&word, words + i * sizeof(Word), sizeof(Word));
    return word;
  };
  std::int64_t saved = 0;
  for (std::size_t i = 1; i < n; ++i) {
    saved += std::bit_width(zigzag(static_cast<Word>(word_at(i) - word_at(0))));
    saved -= std::bit_width(zigzag(static_cast<Word>(word_at(i) - word_at(i - 1))));
  }
  return saved;
}

bool accepts(DType dtype, const EncodeOptions&) {
  const auto shape = planes::shape_of(dtype);
  return shape.n_bytes > 1 && !shape.rotate;
}

bool worth_trying(const Chunk& chunk) {
  const auto word_bytes = size_bytes(chunk.dtype);
  const auto n = chunk.bytes.size() / word_bytes;
  const auto n_probe = std::min(n, kProbe);
  std::int64_t saved = 0;
  for (std::size_t i = 0; i < kProbes; ++i) {
    const auto* from = chunk.bytes.data() + (n - n_probe) / (kProbes - 1) * i * word_bytes;
    saved += with_word(chunk.dtype, [&](auto word) { return bits_saved<decltype(word)>(from, n_probe); });
  }
  return saved * 2 >= static_cast<std::int64_t>(kProbes * n_probe) && saved > 0;
}

void split_chunk(const Chunk& chunk, const EncodeOptions&, Scratch& scratch, Split& to) {
  const auto differences = scratch.take(chunk.bytes.size());
  with_word(chunk.dtype, [&](auto word) {
    to_differences<decltype(word)>(chunk.bytes.data(), chunk.bytes.size() / sizeof(word), differences.data());
  });
  planes::split_words(planes::shape_of(chunk.dtype), differences, scratch, to);
}

Result<void> join_chunk(ByteCursor&, StreamSource& streams, DType dtype, Scratch& scratch, std::span<std::byte> out,
                        std::span<const std::byte>) {
  if (!accepts(dtype, {})) return Error{fmt::format("int-delta: damaged: {} has no differences", name(dtype))};
  const auto differences = scratch.take(out.size());
  ELVES_CHECK(planes::join_words(planes::shape_of(dtype), streams, differences));
  with_word(dtype, [&](auto word) {
    from_differences<decltype(word)>(differences.data(), out.size() / sizeof(word), out.data());
  });
  return {};
}

}  // namespace
}  // namespace elves::encode::int_delta

namespace elves::encode {

const Transform kIntDelta{.id = TransformId::IntDelta,
                          .name = "int-delta",
                          .stage = Stage::Planes,
                          .accepts = int_delta::accepts,
                          .worth_trying = int_delta::worth_trying,
                          .split = int_delta::split_chunk,
                          .join = int_delta::join_chunk};

}  // namespace elves::encode
