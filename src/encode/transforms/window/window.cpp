#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cstring>

#include "encode/registry.hpp"
#include "encode/transforms/window/kernel.hpp"
#include "support/try.hpp"

namespace elves::encode::window {
namespace {

constexpr std::size_t kProbes = 4096;  // number of words that the choice of the window looks at
constexpr unsigned kExponents = 256;

bool has_signs_only(DType dtype) {
  return dtype == DType::F8E4M3 || dtype == DType::F8E5M2 || dtype == DType::F8E4M3FNUZ || dtype == DType::F8E5M2FNUZ;
}

std::size_t n_planes(DType dtype) {
  return dtype == DType::F32 ? 2 : 0;
}

// True if the low halves of about 256 words, spread over the chunk, are all zero.
bool is_upcast_half(std::span<const std::byte> words) {
  const auto step = std::max<std::size_t>(words.size() / 4 / 256, 1) * 4;
  for (std::size_t at = 0; at + 4 <= words.size(); at += step) {
    if (words[at] != std::byte{0} || words[at + 1] != std::byte{0}) return false;
  }
  return true;
}

// The top exponent of the window that holds most of kProbes words, spread over the chunk; of several the highest.
template <class Word>
unsigned choose_top(const Chunk& chunk) {
  const auto n = chunk.bytes.size() / sizeof(Word);
  const auto step = std::max<std::size_t>(n / kProbes, 1);
  std::array<std::uint32_t, kExponents> counts{};
  for (std::size_t i = 0; i < n; i += step) {
    Word word;
    std::memcpy(&word, chunk.bytes.data() + i * sizeof(Word), sizeof(Word));
    ++counts[word >> (8 * sizeof(Word) - 9) & 255];
  }
  std::uint32_t within = 0;
  std::uint32_t most = 0;
  unsigned best = kExponents - 1;
  for (unsigned top = 0; top < kExponents; ++top) {
    within += counts[top];
    if (top >= kClasses) within -= counts[top - kClasses];
    if (within < most) continue;
    most = within;
    best = top;
  }
  return best;
}

template <class Word>
void split_words(const Chunk& chunk, Scratch& scratch, Split& to) {
  const auto n = chunk.bytes.size() / sizeof(Word);
  const auto top = choose_top<Word>(chunk);
  Parts<std::byte> parts;
  const auto take = [&](std::size_t n_bytes) {
    const auto stream = scratch.take(n_bytes);
    to.streams.push_back({stream});
    return stream.data();
  };
  parts.symbols = take(n);
  parts.nibbles = take((n + 1) / 2);
  for (std::size_t k = 0; k < n_planes(chunk.dtype); ++k) parts.planes[k] = take(n);
  const auto others = scratch.take(n);
  parts.others = others.data();
  const auto n_others = window::split<Word>(chunk.bytes.data(), n, top, parts);
  ByteWriter header(to.header);
  header.write(static_cast<std::uint8_t>(top));
  header.varint(n_others);
  if (n_others > 0) to.streams.push_back({others.first(n_others)});
}

template <class Word>
Result<void> join_words(ByteCursor& header, StreamSource& streams, DType dtype, std::span<std::byte> out) {
  const auto n = out.size() / sizeof(Word);
  const auto top = header.read<std::uint8_t>();
  const auto n_others = header.read_varint();
  if (header.failed()) return Error{"window: damaged: ends within the header"};
  if (n_others > n) return Error{"window: damaged: more exponents outside the window than elements"};
  Parts<const std::byte> parts;
  const auto read = [&](const std::byte*& part, std::size_t n_bytes) -> Result<void> {
    ELVES_TRY(const auto stream, streams.next(n_bytes));
    part = stream.data();
    return {};
  };
  ELVES_CHECK(read(parts.symbols, n));
  ELVES_CHECK(read(parts.nibbles, (n + 1) / 2));
  for (std::size_t k = 0; k < n_planes(dtype); ++k) ELVES_CHECK(read(parts.planes[k], n));
  if (n_others > 0) ELVES_CHECK(read(parts.others, static_cast<std::size_t>(n_others)));
  if (window::join<Word>(parts, static_cast<std::size_t>(n_others), n, top, out.data())) return {};
  return Error{"window: damaged: the header has another number of exponents outside the window"};
}

void split_float8(const Chunk& chunk, Scratch& scratch, Split& to) {
  const auto n = chunk.bytes.size();
  const auto symbols = scratch.take(n);
  const auto signs = scratch.take((n + 7) / 8);
  split_signs(chunk.bytes.data(), n, symbols.data(), signs.data());
  to.streams.push_back({symbols});
  to.streams.push_back({signs});
}

Result<void> join_float8(StreamSource& streams, std::span<std::byte> out) {
  ELVES_TRY(const auto symbols, streams.next(out.size()));
  ELVES_TRY(const auto signs, streams.next((out.size() + 7) / 8));
  join_signs(symbols.data(), signs.data(), out.size(), out.data());
  return {};
}

bool accepts(DType dtype, const EncodeOptions&) {
  return dtype == DType::BF16 || dtype == DType::F32 || has_signs_only(dtype);
}

// For bfloat16 and for full float32, window takes twice as long as planes and saves 0.2 %: Level::Max only.
bool worth_trying(const Chunk& chunk) {
  if (has_signs_only(chunk.dtype)) return true;
  return chunk.dtype == DType::F32 && is_upcast_half(chunk.bytes);
}

void split_chunk(const Chunk& chunk, const EncodeOptions&, Scratch& scratch, Split& to) {
  if (has_signs_only(chunk.dtype)) return split_float8(chunk, scratch, to);
  if (chunk.dtype == DType::BF16) return split_words<std::uint16_t>(chunk, scratch, to);
  split_words<std::uint32_t>(chunk, scratch, to);
}

Result<void> join_chunk(ByteCursor& header, StreamSource& streams, DType dtype, Scratch&, std::span<std::byte> out,
                        std::span<const std::byte>) {
  if (!accepts(dtype, {})) return Error{fmt::format("window: damaged: {} has no window form", name(dtype))};
  if (has_signs_only(dtype)) return join_float8(streams, out);
  if (dtype == DType::BF16) return join_words<std::uint16_t>(header, streams, dtype, out);
  return join_words<std::uint32_t>(header, streams, dtype, out);
}

}  // namespace
}  // namespace elves::encode::window

namespace elves::encode {

const Transform kWindow{.id = TransformId::Window,
                        .name = "window",
                        .stage = Stage::Planes,
                        .accepts = window::accepts,
                        .worth_trying = window::worth_trying,
                        .split = window::split_chunk,
                        .join = window::join_chunk};

}  // namespace elves::encode
