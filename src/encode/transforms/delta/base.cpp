#include "encode/transforms/delta/base.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cstring>

namespace elves::encode::delta {

std::span<const std::byte> fill_up(std::span<const std::byte> base, std::size_t n_bytes, Scratch& scratch) {
  if (base.size() >= n_bytes) return base.first(n_bytes);
  const auto filled = scratch.take(n_bytes);
  if (!base.empty()) std::memcpy(filled.data(), base.data(), base.size());
  std::ranges::fill(filled.subspan(base.size()), std::byte{0});
  return filled;
}

void write(const BaseMark& mark, ByteWriter& to) {
  to.varint(mark.n_words);
  to.write(mark.checksum);
}

Result<BaseMark> read_mark(ByteCursor& header, std::size_t word_bytes, std::size_t chunk_bytes,
                           std::size_t base_bytes) {
  BaseMark mark{.n_words = header.read_varint()};
  mark.checksum = header.read<std::uint64_t>();
  if (header.failed()) return Error{"delta: damaged: ends within the header"};
  if (mark.n_words > chunk_bytes / word_bytes)
    return Error{"delta: damaged: the base has more elements than the chunk"};
  if (mark.n_words > base_bytes / word_bytes) {
    return Error{fmt::format("delta: the base of the chunk has {} words, but {} are given", mark.n_words,
                             base_bytes / word_bytes)};
  }
  return mark;
}

}  // namespace elves::encode::delta
