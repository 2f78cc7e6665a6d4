#include "encode/transforms/elf_packed/elf_packed.hpp"

#include <algorithm>
#include <array>

#include "encode/bits.hpp"
#include "encode/transforms/elf/elf.hpp"
#include "encode/transforms/elf/outliers.hpp"

namespace elves::encode::elf_packed {
namespace {

// The kernel's symbols are (mantissa << 1 | sign) at the top of the word; the paper's are (sign, mantissa).
template <class Word>
void pack(const Word* symbols, std::size_t n, unsigned n_bits, BitWriter& bits) {
  const unsigned shift = 8 * sizeof(Word) - n_bits;
  for (std::size_t i = 0; i < n; ++i) {
    const auto symbol = static_cast<std::uint64_t>(symbols[i]) >> shift;
    bits.write((symbol & 1) << (n_bits - 1) | symbol >> 1, n_bits);
  }
}

template <class Word>
void unpack(BitReader& bits, std::size_t n, unsigned n_bits, Word* symbols) {
  const unsigned shift = 8 * sizeof(Word) - n_bits;
  const std::uint64_t mantissa = (std::uint64_t{1} << (n_bits - 1)) - 1;
  for (std::size_t i = 0; i < n; ++i) {
    const auto packed = bits.read(n_bits);
    symbols[i] = static_cast<Word>(((packed & mantissa) << 1 | packed >> (n_bits - 1)) << shift);
  }
}

template <class Word>
void split_words(const Chunk& chunk, unsigned dropped, Scratch& scratch, Split& to) {
  const std::size_t n = chunk.bytes.size() / sizeof(Word);
  const unsigned n_bits = elf::symbol_bits<Word>(dropped);
  const auto packed = scratch.take(bits_to_bytes(std::uint64_t{n} * n_bits));
  to.streams.push_back({.bytes = packed, .matches_only = true});
  BitWriter bits(packed.data());
  std::array<Word, elf::kBlock> symbols;
  elf::Header header{.dropped = dropped};
  for (std::size_t at = 0; at < n; at += elf::kBlock) {
    const auto n_block = std::min(elf::kBlock, n - at);
    const auto stats = elf::to_symbols(chunk.bytes.data() + at * sizeof(Word), n_block, dropped, symbols.data());
    header.n_outliers += stats.n_outliers;
    elf::add(stats, to.loss);
    pack(symbols.data(), n_block, n_bits, bits);
  }
  bits.finish();
  elf::write(header, to.header);
  elf::split_outliers<Word>(chunk.bytes, header.n_outliers, dropped, scratch, to);
}

template <class Word>
Result<void> join_words(const elf::Header& header, StreamSource& streams, std::span<std::byte> out) {
  const std::size_t n = out.size() / sizeof(Word);
  const unsigned n_bits = elf::symbol_bits<Word>(header.dropped);
  const auto packed = streams.next(bits_to_bytes(std::uint64_t{n} * n_bits));
  if (!packed) return packed.error();
  BitReader bits(*packed);
  std::array<Word, elf::kBlock> symbols;
  for (std::size_t at = 0; at < n; at += elf::kBlock) {
    const auto n_block = std::min(elf::kBlock, n - at);
    unpack(bits, n_block, n_bits, symbols.data());
    elf::from_symbols(symbols.data(), n_block, header.dropped, out.data() + at * sizeof(Word));
  }
  return elf::join_outliers(streams, header.n_outliers, sizeof(Word), out);
}

}  // namespace

bool accepts(DType dtype, const EncodeOptions& options) {
  return options.prefer_elf_packed && elf::dropped_bits(dtype, options.error_bound).has_value();
}

void split(const Chunk& chunk, const EncodeOptions& options, Scratch& scratch, Split& to) {
  const auto dropped = *elf::dropped_bits(chunk.dtype, options.error_bound);
  elf::with_word(chunk.dtype, [&](auto word) { split_words<decltype(word)>(chunk, dropped, scratch, to); });
}

Result<void> join(ByteCursor& cursor, StreamSource& streams, DType dtype, Scratch&, std::span<std::byte> out) {
  const auto header = elf::read_header(cursor, dtype);
  if (!header) return header.error();
  return elf::with_word(dtype, [&](auto word) { return join_words<decltype(word)>(*header, streams, out); });
}

}  // namespace elves::encode::elf_packed
