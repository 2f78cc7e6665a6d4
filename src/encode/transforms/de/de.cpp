#include "encode/transforms/de/de.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "encode/bits.hpp"
#include "encode/transforms/de/kernel.hpp"
#include "encode/transforms/planes/planes.hpp"

namespace elves::encode::de {
namespace {

constexpr unsigned kLeastRepeatsIn256 = 8;  // of kProbe neighbours: below 3 % a repeat is too far to pay

template <class Word>
void split_words(const Chunk& chunk, Scratch& scratch, Split& to) {
  const std::size_t n = chunk.bytes.size() / sizeof(Word);
  const auto flags = scratch.take(bits_to_bytes(n));
  const auto lengths = scratch.take(bits_to_bytes(5 * n));
  const auto distances = scratch.take(bits_to_bytes(std::uint64_t{n} * static_cast<unsigned>(std::bit_width(n))));
  const auto distinct = scratch.take(n * sizeof(Word));
  const auto table = scratch.take_array<std::uint32_t>(table_slots(n));
  const auto parts =
      encode<Word>(chunk.bytes.data(), n, table, flags.data(), lengths.data(), distances.data(), distinct.data());
  ByteWriter(to.header).varint(parts.n_distinct);
  to.streams.push_back({flags});
  to.streams.push_back({lengths.first(parts.length_bytes)});
  to.streams.push_back({distances.first(parts.distance_bytes)});
  planes::split_words(planes::shape_of(chunk.dtype), distinct.first(parts.n_distinct * sizeof(Word)), scratch, to);
}

// Where the streams of a chunk are, and how they become words again.
struct Joiner {
  BitReader flags;
  BitReader lengths;
  BitReader distances;
  std::span<const std::byte> distinct;

  template <class Word>
  Result<void> run(std::span<std::byte> out) {
    std::size_t next_distinct = 0;
    for (std::size_t at = 0; at < out.size(); at += sizeof(Word)) {
      if (flags.read(1) == 0) {
        if (next_distinct == distinct.size()) return Error{"de: damaged: more first occurrences than the header tells"};
        std::memcpy(out.data() + at, distinct.data() + next_distinct, sizeof(Word));
        next_distinct += sizeof(Word);
        continue;
      }
      const auto back = distances.read(static_cast<unsigned>(lengths.read(5))) * sizeof(Word);
      if (back == 0 || back > at) return Error{"de: damaged: a distance that leads out of the chunk"};
      std::memcpy(out.data() + at, out.data() + at - back, sizeof(Word));
    }
    const bool whole = next_distinct == distinct.size() && flags.at_end() && lengths.at_end() && distances.at_end();
    if (!whole || flags.failed() || lengths.failed() || distances.failed()) {
      return Error{"de: damaged: the streams do not end together"};
    }
    return {};
  }
};

}  // namespace

bool accepts(DType dtype, const EncodeOptions&) {
  return dtype == DType::F32 || dtype == DType::F64;
}

bool promises(const Chunk& chunk) {
  const std::size_t word = size_bytes(chunk.dtype);
  const std::size_t n = std::min(chunk.bytes.size() / word, kProbe);
  const auto* words = chunk.bytes.data() + (chunk.bytes.size() / word - n) / 2 * word;
  const auto repeats =
      chunk.dtype == DType::F32 ? repeats_in_256<std::uint32_t>(words, n) : repeats_in_256<std::uint64_t>(words, n);
  return repeats >= kLeastRepeatsIn256;
}

void split(const Chunk& chunk, const EncodeOptions&, Scratch& scratch, Split& to) {
  if (chunk.dtype == DType::F32) return split_words<std::uint32_t>(chunk, scratch, to);
  split_words<std::uint64_t>(chunk, scratch, to);
}

Result<void> join(ByteCursor& header, StreamSource& streams, DType dtype, Scratch& scratch, std::span<std::byte> out) {
  if (!accepts(dtype, {})) return Error{"de: damaged: there is no de form of " + std::string(name(dtype))};
  const std::size_t word = size_bytes(dtype);
  const std::size_t n = out.size() / word;
  const auto n_distinct = header.read_varint();
  if (header.failed() || n_distinct > n) return Error{"de: damaged: more distinct values than elements"};
  const auto n_repeats = n - static_cast<std::size_t>(n_distinct);
  const auto flags = streams.next(bits_to_bytes(n));
  if (!flags) return flags.error();
  const auto lengths = streams.next(bits_to_bytes(5 * n_repeats));
  if (!lengths) return lengths.error();
  const auto distances = streams.next(0, bits_to_bytes(31 * std::uint64_t{n_repeats}));
  if (!distances) return distances.error();
  const auto distinct = scratch.take(static_cast<std::size_t>(n_distinct) * word);
  if (auto read = planes::join_words(planes::shape_of(dtype), streams, distinct); !read) return read;
  Joiner joiner{BitReader(*flags), BitReader(*lengths), BitReader(*distances), distinct};
  return dtype == DType::F32 ? joiner.run<std::uint32_t>(out) : joiner.run<std::uint64_t>(out);
}

}  // namespace elves::encode::de
