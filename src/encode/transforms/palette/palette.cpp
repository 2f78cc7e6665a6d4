#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <numeric>

#include "encode/bits.hpp"
#include "encode/registry.hpp"
#include "encode/transforms/palette/kernel.hpp"
#include "encode/transforms/planes/planes.hpp"
#include "support/try.hpp"

namespace elves::encode::palette {
namespace {

constexpr std::size_t kProbe = 1024;  // number of words, spread over the chunk, that are counted before all words are

// Calls `with` with an unsigned integer of the size of the dtype's words.
template <class With>
auto with_word(DType dtype, With with) {
  const auto n_bytes = planes::shape_of(dtype).n_bytes;
  if (n_bytes == 2) return with(std::uint16_t{});
  if (n_bytes == 4) return with(std::uint32_t{});
  return with(std::uint64_t{});
}

template <class Word>
bool has_few_values(std::span<const std::byte> bytes) {
  const auto n = bytes.size() / sizeof(Word);
  if (find_values<Word>(bytes.data(), n, n / kProbe + 1, nullptr).n > kMostValues) return false;
  const auto n_values = find_values<Word>(bytes.data(), n, 1, nullptr).n;
  return n_values > 1 && n_values <= kMostValues;
}

// Sorts the values in ascending order. Returns rank: value i is now at rank[i].
template <class Word>
std::array<std::uint8_t, kMostValues> sort(Values<Word>& values) {
  std::array<std::uint8_t, kMostValues> order;
  std::iota(order.begin(), order.end(), std::uint8_t{0});
  const auto words = values.words;
  std::sort(order.begin(), order.begin() + values.n, [&](auto a, auto b) { return words[a] < words[b]; });
  std::array<std::uint8_t, kMostValues> rank{};
  for (std::size_t i = 0; i < values.n; ++i) {
    values.words[i] = words[order[i]];
    rank[order[i]] = static_cast<std::uint8_t>(i);
  }
  return rank;
}

template <class Word>
void split_words(std::span<const std::byte> words, Scratch& scratch, Split& to) {
  const auto n = words.size() / sizeof(Word);
  const auto indices = scratch.take_array<std::uint8_t>(n);
  auto values = find_values<Word>(words.data(), n, 1, indices.data());
  const bool too_many = values.n == 0 || values.n > kMostValues;
  ByteWriter header(to.header);
  header.varint(too_many ? 0 : values.n);
  header.varint(n);
  if (too_many) return to.streams.push_back({words});
  const auto rank = sort(values);
  for (auto& index : indices) index = rank[index];
  const auto n_bits = index_bits(values.n);
  const auto packed = scratch.take(bits_to_bytes(std::uint64_t{n} * n_bits));
  pack(indices.data(), n, n_bits, packed.data());
  const auto stored = scratch.take_array<Word>(values.n);
  std::copy_n(values.words.begin(), values.n, stored.begin());
  to.streams.push_back({std::as_bytes(stored)});
  to.streams.push_back({packed});
}

template <class Word>
Result<void> join_words(std::size_t n_values, StreamSource& streams, Scratch& scratch, std::span<std::byte> out) {
  const auto n = out.size() / sizeof(Word);
  ELVES_TRY(const auto stored, streams.next(n_values * sizeof(Word)));
  std::array<Word, kMostValues> values;
  std::memcpy(values.data(), stored.data(), stored.size());
  const auto n_bits = index_bits(n_values);
  ELVES_TRY(const auto packed, streams.next(bits_to_bytes(std::uint64_t{n} * n_bits)));
  const auto indices = scratch.take_array<std::uint8_t>(n);
  unpack(packed.data(), n, n_bits, indices.data());
  if (look_up(indices.data(), n, values.data(), n_values, out.data())) return {};
  return Error{"palette: damaged: an index is not below the number of values"};
}

bool accepts(DType dtype, const EncodeOptions&) {
  return planes::shape_of(dtype).n_bytes > 1;
}

// Looks at some words of the chunk, and then at all: a microsecond where they are many.
bool worth_trying(const Chunk& chunk) {
  return with_word(chunk.dtype, [&](auto word) { return has_few_values<decltype(word)>(chunk.bytes); });
}

void split_chunk(const Chunk& chunk, const EncodeOptions&, Scratch& scratch, Split& to) {
  with_word(chunk.dtype, [&](auto word) { split_words<decltype(word)>(chunk.bytes, scratch, to); });
}

Result<void> join_chunk(ByteCursor& header, StreamSource& streams, DType dtype, Scratch& scratch,
                        std::span<std::byte> out, std::span<const std::byte>) {
  if (!accepts(dtype, {})) return Error{fmt::format("palette: damaged: {} has no palette", name(dtype))};
  const auto n_values = header.read_varint();
  const auto n = header.read_varint();
  if (header.failed() || n_values > kMostValues) return Error{"palette: damaged: more than 256 values"};
  if (n != out.size() / planes::shape_of(dtype).n_bytes)
    return Error{"palette: damaged: the header has another number of elements"};
  if (n_values == 0) {
    ELVES_TRY(const auto words, streams.next(out.size()));
    std::ranges::copy(words, out.begin());
    return {};
  }
  return with_word(dtype, [&](auto word) {
    return join_words<decltype(word)>(static_cast<std::size_t>(n_values), streams, scratch, out);
  });
}

}  // namespace
}  // namespace elves::encode::palette

namespace elves::encode {

const Transform kPalette{.id = TransformId::Palette,
                         .name = "palette",
                         .stage = Stage::Palette,
                         .accepts = palette::accepts,
                         .worth_trying = palette::worth_trying,
                         .split = palette::split_chunk,
                         .join = palette::join_chunk};

}  // namespace elves::encode
