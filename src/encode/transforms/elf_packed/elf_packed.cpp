#include "encode/transforms/elf_packed/elf_packed.hpp"

#include <vector>

#include "encode/bits.hpp"
#include "encode/transforms/elf/elf.hpp"

namespace elves::encode::elf_packed {
namespace {

using Planes = std::vector<std::span<std::byte>>;

Planes take_planes(std::size_t n_planes, std::size_t n, Scratch& scratch) {
  Planes planes(n_planes);
  for (auto& plane : planes) plane = scratch.take(n);
  return planes;
}

// The kernel's symbols are (mantissa << 1 | sign) at the top of the planes; the paper's are (sign, mantissa).
void pack(const Planes& planes, std::size_t n, unsigned n_bits, std::byte* packed) {
  const auto shift = 8 * static_cast<unsigned>(planes.size()) - n_bits;
  BitWriter bits(packed);
  for (std::size_t i = 0; i < n; ++i) {
    std::uint64_t symbol = 0;
    for (const auto& plane : planes) symbol = symbol << 8 | static_cast<std::uint64_t>(plane[i]);
    symbol >>= shift;
    bits.write((symbol & 1) << (n_bits - 1) | symbol >> 1, n_bits);
  }
  bits.finish();
}

void unpack(std::span<const std::byte> packed, std::size_t n, unsigned n_bits, const Planes& planes) {
  const auto shift = 8 * static_cast<unsigned>(planes.size()) - n_bits;
  const std::uint64_t mantissa = (std::uint64_t{1} << (n_bits - 1)) - 1;
  BitReader bits(packed);
  for (std::size_t i = 0; i < n; ++i) {
    const auto symbol = bits.read(n_bits);
    auto rest = ((symbol & mantissa) << 1 | symbol >> (n_bits - 1)) << shift;
    for (std::size_t k = planes.size(); k-- > 0; rest >>= 8) planes[k][i] = static_cast<std::byte>(rest);
  }
}

template <class Word>
void split_words(const Chunk& chunk, unsigned dropped, Scratch& scratch, Split& to) {
  const std::size_t n = chunk.bytes.size() / sizeof(Word);
  const unsigned n_bits = elf::symbol_bits<Word>(dropped);
  const auto packed = scratch.take(bits_to_bytes(std::uint64_t{n} * n_bits));
  to.streams.push_back({.bytes = packed, .matches_only = true});
  const auto planes = take_planes(elf::symbol_planes<Word>(dropped), n, scratch);
  elf::split_symbols<Word>(chunk, dropped, planes, scratch, to);
  pack(planes, n, n_bits, packed.data());
}

template <class Word>
Result<void> join_words(const elf::Header& header, StreamSource& streams, Scratch& scratch, std::span<std::byte> out) {
  const std::size_t n = out.size() / sizeof(Word);
  const unsigned n_bits = elf::symbol_bits<Word>(header.dropped);
  const auto packed = streams.next(bits_to_bytes(std::uint64_t{n} * n_bits));
  if (!packed) return packed.error();
  const auto planes = take_planes(elf::symbol_planes<Word>(header.dropped), n, scratch);
  unpack(*packed, n, n_bits, planes);
  const std::vector<std::span<const std::byte>> filled(planes.begin(), planes.end());
  return elf::join_symbols<Word>(header, filled, streams, out);
}

}  // namespace

bool accepts(DType dtype, const EncodeOptions& options) {
  return options.prefer_elf_packed && elf::dropped_bits(dtype, options.error_bound).has_value();
}

void split(const Chunk& chunk, const EncodeOptions& options, Scratch& scratch, Split& to) {
  const auto dropped = *elf::dropped_bits(chunk.dtype, options.error_bound);
  elf::with_word(chunk.dtype, [&](auto word) { split_words<decltype(word)>(chunk, dropped, scratch, to); });
}

Result<void> join(ByteCursor& cursor, StreamSource& streams, DType dtype, Scratch& scratch, std::span<std::byte> out,
                  std::span<const std::byte>) {
  const auto header = elf::read_header(cursor, dtype);
  if (!header) return header.error();
  return elf::with_word(dtype, [&](auto word) { return join_words<decltype(word)>(*header, streams, scratch, out); });
}

}  // namespace elves::encode::elf_packed
