#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "encode/bits.hpp"
#include "encode/registry.hpp"
#include "encode/transforms/de/kernel.hpp"
#include "encode/transforms/planes/planes.hpp"
#include "support/try.hpp"

namespace elves::encode::de {
namespace {

static_assert(kChunkBytes / sizeof(std::uint32_t) <= kMostWords);

constexpr std::size_t kProbes = 4;             // worth_trying() counts repeats in this many runs of kMostCounted words
constexpr std::size_t kLeastRepeatsIn256 = 8;  // below 3 % repeats the distances take more than the repeats save

template <class Word>
Memory<Word> take_memory(std::size_t n, Scratch& scratch) {
  return {.words = scratch.take_array<Word>(n),
          .positions = scratch.take_array<std::uint32_t>(n),
          .back = scratch.take_array<std::uint32_t>(n),
          .table = scratch.take_array<std::uint32_t>(table_slots(n))};
}

template <class Word>
void split_words(const Chunk& chunk, Scratch& scratch, Split& to) {
  const std::size_t n = chunk.bytes.size() / sizeof(Word);
  const auto flags = scratch.take(bits_to_bytes(n));
  const auto lengths = scratch.take(bits_to_bytes(5 * n));
  const auto distances = scratch.take(bits_to_bytes(std::uint64_t{n} * static_cast<unsigned>(std::bit_width(n))));
  const auto memory = take_memory<Word>(n, scratch);
  const auto distinct = std::as_writable_bytes(memory.words);
  const auto sizes =
      encode(chunk.bytes.data(), n, memory, {flags.data(), lengths.data(), distances.data(), distinct.data()});
  ByteWriter(to.header).varint(sizes.n_distinct);
  to.streams.push_back({flags});
  to.streams.push_back({lengths.first(sizes.length_bytes)});
  to.streams.push_back({distances.first(sizes.distance_bytes)});
  planes::split_words(planes::shape_of(chunk.dtype), distinct.first(sizes.n_distinct * sizeof(Word)), scratch, to);
}

template <class Word>
bool repeats_pay(std::span<const std::byte> bytes) {
  const std::size_t n = bytes.size() / sizeof(Word);
  const std::size_t n_probe = std::min(n, kMostCounted);
  std::size_t repeats = 0;
  for (std::size_t i = 0; i < kProbes; ++i) {
    const auto first = (n - n_probe) / (kProbes - 1) * i;
    repeats += count_repeats<Word>(bytes.data() + first * sizeof(Word), n_probe);
  }
  return n > 0 && repeats * 256 >= kLeastRepeatsIn256 * kProbes * n_probe;
}

// Turns the streams of a chunk into words.
template <class Word>
struct Joiner {
  BitReader flags;
  BitReader lengths;
  BitReader distances;
  std::span<const std::byte> distinct;

  static constexpr std::size_t kBlock = 56;  // number of flags per read

  Result<void> run(std::span<std::byte> out) {
    const std::size_t n = out.size() / sizeof(Word);
    for (std::size_t at = 0; at < n; at += kBlock) {
      ELVES_CHECK(join_block(out.data(), at, std::min(kBlock, n - at)));
    }
    const bool whole = distinct.empty() && flags.at_end() && lengths.at_end() && distances.at_end();
    if (!whole) return Error{"de: damaged: the streams do not end together"};
    return {};
  }

 private:
  Result<void> join_block(std::byte* out, std::size_t at, std::size_t n) {
    std::array<std::size_t, kBlock> back;
    const auto is_repeat = flags.read(static_cast<unsigned>(n)) << (64 - n);
    const auto n_repeats = static_cast<std::size_t>(std::popcount(is_repeat));
    const auto n_new_bytes = (n - n_repeats) * sizeof(Word);
    if (n_new_bytes > distinct.size()) return Error{"de: damaged: more distinct values than the header says"};
    for (std::size_t i = 0; i < n_repeats; ++i) {
      back[i] = static_cast<std::size_t>(distances.read(static_cast<unsigned>(lengths.read(5)))) * sizeof(Word);
    }
    // Both possible sources of a word are computed and one is taken: a branch would be unpredictable.
    const std::byte* next_new = distinct.data();
    const std::size_t* next_back = back.data();
    for (std::size_t i = 0; i < n; ++i) {
      const bool repeats = (is_repeat << i >> 63) != 0;
      std::byte* to = out + (at + i) * sizeof(Word);
      if (repeats && *next_back - 1 >= (at + i) * sizeof(Word)) {
        return Error{"de: damaged: a distance points outside the chunk"};
      }
      std::memcpy(to, repeats ? to - *next_back : next_new, sizeof(Word));
      next_back += repeats ? 1 : 0;
      next_new += repeats ? 0 : sizeof(Word);
    }
    distinct = distinct.subspan(n_new_bytes);
    return {};
  }
};

bool accepts(DType dtype, const EncodeOptions&) {
  return dtype == DType::F32 || dtype == DType::F64;
}

bool worth_trying(const Chunk& chunk) {
  if (chunk.dtype == DType::F32) return repeats_pay<std::uint32_t>(chunk.bytes);
  return repeats_pay<std::uint64_t>(chunk.bytes);
}

void split_chunk(const Chunk& chunk, const EncodeOptions&, Scratch& scratch, Split& to) {
  if (chunk.dtype == DType::F32) return split_words<std::uint32_t>(chunk, scratch, to);
  split_words<std::uint64_t>(chunk, scratch, to);
}

Result<void> join_chunk(ByteCursor& header, StreamSource& streams, DType dtype, Scratch& scratch,
                        std::span<std::byte> out, std::span<const std::byte>) {
  if (!accepts(dtype, {})) return Error{fmt::format("de: damaged: {} has no de form", name(dtype))};
  const std::size_t word = size_bytes(dtype);
  const std::size_t n = out.size() / word;
  const auto n_distinct = header.read_varint();
  if (header.failed() || n_distinct > n) return Error{"de: damaged: more distinct values than elements"};
  const auto n_repeats = n - static_cast<std::size_t>(n_distinct);
  ELVES_TRY(const auto flags, streams.next(bits_to_bytes(n)));
  ELVES_TRY(const auto lengths, streams.next(bits_to_bytes(5 * n_repeats)));
  ELVES_TRY(const auto distances, streams.next(0, bits_to_bytes(31 * std::uint64_t{n_repeats})));
  const auto distinct = scratch.take(static_cast<std::size_t>(n_distinct) * word);
  ELVES_CHECK(planes::join_words(planes::shape_of(dtype), streams, distinct));
  const auto joined = [&](auto word_of_dtype) {
    return Joiner<decltype(word_of_dtype)>{BitReader(flags), BitReader(lengths), BitReader(distances), distinct}.run(
        out);
  };
  return dtype == DType::F32 ? joined(std::uint32_t{}) : joined(std::uint64_t{});
}

}  // namespace
}  // namespace elves::encode::de

namespace elves::encode {

const Transform kDe{.id = TransformId::De,
                    .name = "de",
                    .stage = Stage::De,
                    .level = Level::Default,
                    .accepts = de::accepts,
                    .worth_trying = de::worth_trying,
                    .split = de::split_chunk,
                    .join = de::join_chunk};

}  // namespace elves::encode
